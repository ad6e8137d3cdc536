"""What data and evaluations look like, in notebooks and in pages, on line and off line."""
