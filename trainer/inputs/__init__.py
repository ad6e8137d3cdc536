"""Reads and augments the images that a model is trained and validated on."""
