"""Simulated radio signals: frequency paths, voltages, spectrograms and whole data sets."""
