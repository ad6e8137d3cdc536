"""Imports the curated schema."""
