"""The configuration: its keys, and how files and options are merged into it."""
