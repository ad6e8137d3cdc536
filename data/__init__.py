"""Labelled spectrograms on disk: the seed layout, its simulator and its galleries."""
