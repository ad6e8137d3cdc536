"""Shows the progress of a training run: log lines, TensorBoard and live plots."""
