"""Kubeflow Pipelines: compile, submit and run steps there."""
