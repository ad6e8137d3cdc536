"""Submits a compiled package: uploads it to Kubeflow Pipelines, runs it and follows the run."""
