"""Reports the results of a run as a page, a table and JSON."""
