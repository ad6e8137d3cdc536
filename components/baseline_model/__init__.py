"""Finds the model in service, for a new one to be compared with."""
