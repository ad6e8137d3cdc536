"""Compiles the graph to a Kubeflow Pipelines package."""
