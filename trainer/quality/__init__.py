"""Measures and calibrates a trained model on the validation split."""
