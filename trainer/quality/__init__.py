"""Measures what a trained network does on the validation split."""
