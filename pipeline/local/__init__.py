"""Commands that work on this machine: run the pipeline, remove old runs, serve training logs."""
