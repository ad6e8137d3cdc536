"""What the verdict needs of all rows together: which are equal, and which are for validation."""
