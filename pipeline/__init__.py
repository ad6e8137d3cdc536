"""The pipeline: its graph, its configuration, its runners and the command line."""
