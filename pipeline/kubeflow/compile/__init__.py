"""Compiles the graph to a package: a YAML file that Kubeflow Pipelines runs."""
