"""The configuration: its keys, its layers, and the reference page of all keys."""
