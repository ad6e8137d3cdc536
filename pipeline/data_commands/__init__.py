"""Commands on data folders: check, convert and download."""
