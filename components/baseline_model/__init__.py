"""Finds the model in service, with which a new model is compared."""
