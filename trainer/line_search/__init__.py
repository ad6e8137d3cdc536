"""Looks for a line in a spectrogram, and weighs what kind of line it is: see docs/model.md."""
