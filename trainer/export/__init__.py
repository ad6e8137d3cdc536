"""Exports the trained model as a SavedModel, with a model card beside it."""
