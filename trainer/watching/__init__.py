"""Shows a training run while it runs: log lines, TensorBoard and live plots."""
