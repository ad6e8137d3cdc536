"""The exported SavedModel and what is stored beside it."""
