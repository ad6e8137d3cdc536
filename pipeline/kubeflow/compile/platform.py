"""The platform specification: what only Kubernetes knows of, a step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.config.sections import Kubeflow


def platform(settings: Kubeflow, executors: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the settings of each executor's pod, by its label; empty where there are none.

    The names of secrets and claims are under keys that later releases of the backend call
    deprecated, because earlier ones know no others.

    Args:
      settings: of the configuration.
      executors: labels.
    """
    of_pod: dict[str, Any] = {"imagePullPolicy": settings.pull_policy}
    if settings.pull_secret:
        of_pod["imagePullSecret"] = [{"secretName": settings.pull_secret}]
    by_secret: dict[str, list[dict[str, str]]] = {}
    for variable, source in settings.secrets.items():
        secret, _, key = source.partition("/")
        by_secret.setdefault(secret, []).append({"secretKey": key, "envVar": variable})
    if by_secret:
        of_pod["secretAsEnv"] = [
            {"secretName": secret, "keyToEnv": keys} for secret, keys in by_secret.items()
        ]
    if settings.volumes:
        of_pod["pvcMount"] = [
            {"constant": claim, "mountPath": path} for path, claim in settings.volumes.items()
        ]
    if settings.node_selector:
        of_pod["nodeSelector"] = {"labels": dict(settings.node_selector)}
    if settings.tolerations:
        of_pod["tolerations"] = [
            {name: value for name, value in toleration.model_dump().items() if value}
            for toleration in settings.tolerations
        ]
    return {label: dict(of_pod) for label in executors}
