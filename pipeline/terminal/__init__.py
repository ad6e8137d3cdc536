"""Output for people in a terminal: consoles, progress, tables, error messages."""
