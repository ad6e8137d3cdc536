"""Prepares, compiles and fits a model, and resumes interrupted runs."""
