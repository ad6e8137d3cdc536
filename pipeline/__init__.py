"""The graph, its configuration, the ways to run it and the command line."""
