"""Trains on several devices or several machines."""
