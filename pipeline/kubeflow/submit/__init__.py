"""Uploads a compiled package to Kubeflow Pipelines and follows its runs."""
