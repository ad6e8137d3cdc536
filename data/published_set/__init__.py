"""The published four-class set: its files with their sums, and its download."""
