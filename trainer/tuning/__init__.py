"""Searches for better training settings with KerasTuner."""
