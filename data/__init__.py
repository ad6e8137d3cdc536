"""Labelled spectrograms on disk: reading, simulation and storage."""
