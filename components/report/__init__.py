"""The results of a run for people, as a page, a table and JSON."""
