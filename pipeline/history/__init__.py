"""Past runs, read from ML Metadata and their reports."""
