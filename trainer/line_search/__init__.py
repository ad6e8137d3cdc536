"""Searches a spectrogram for a line and weighs what kind of line it is; see docs/model.md."""
