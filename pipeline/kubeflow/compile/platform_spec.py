"""Builds the platform specification: the settings of each step's pod in Kubernetes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.config.sections import Kubeflow


def describe_pods(settings: Kubeflow, executors: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the settings of each executor's pod by the executor's label.

    Names of secrets and claims are under keys that newer releases of the backend call deprecated,
    because older releases know no others.

    Args:
      settings: section `kubeflow` of the configuration.
      executors: labels of the executors.
    """
    pod: dict[str, Any] = {"imagePullPolicy": settings.pull_policy}
    if settings.pull_secret:
        pod["imagePullSecret"] = [{"secretName": settings.pull_secret}]
    variables_by_secret: dict[str, list[dict[str, str]]] = {}
    for variable, source in settings.secrets.items():
        secret, _, key = source.partition("/")
        variables_by_secret.setdefault(secret, []).append({"secretKey": key, "envVar": variable})
    if variables_by_secret:
        pod["secretAsEnv"] = [
            {"secretName": secret, "keyToEnv": variables}
            for secret, variables in variables_by_secret.items()
        ]
    if settings.volumes:
        pod["pvcMount"] = [
            {"constant": claim, "mountPath": path} for path, claim in settings.volumes.items()
        ]
    if settings.node_selector:
        pod["nodeSelector"] = {"labels": dict(settings.node_selector)}
    if settings.tolerations:
        pod["tolerations"] = [
            {name: value for name, value in toleration.model_dump().items() if value}
            for toleration in settings.tolerations
        ]
    return {label: dict(pod) for label in executors}
