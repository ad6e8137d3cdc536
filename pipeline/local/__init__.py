"""Commands that work on this machine: run the pipeline, check data, serve training logs."""
