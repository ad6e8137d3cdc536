"""Builds the platform specification: the settings of each step's pod in Kubernetes."""

from __future__ import annotations

from typing import Any

from pipeline.config.sections import Kubeflow
from pipeline.kubeflow.compile.step_access import StepAccess


def describe_pod(settings: Kubeflow, access: StepAccess) -> dict[str, Any]:
    """Return the settings of a step's pod.

    Names of secrets and claims are under keys that newer releases of the backend call deprecated,
    because older releases know no others. Release 2.15 refuses a package with any other key, so
    there is no security context here.

    Args:
      settings: section `kubeflow` of the configuration.
      access: what the step may reach.
    """
    pod: dict[str, Any] = {"imagePullPolicy": settings.pull_policy}
    if settings.pull_secret:
        pod["imagePullSecret"] = [{"secretName": settings.pull_secret}]
    variables_by_secret: dict[str, list[dict[str, str]]] = {}
    for variable, source in access.secrets.items():
        secret, _, key = source.partition("/")
        variables_by_secret.setdefault(secret, []).append({"secretKey": key, "envVar": variable})
    if variables_by_secret:
        pod["secretAsEnv"] = [
            {"secretName": secret, "keyToEnv": variables}
            for secret, variables in variables_by_secret.items()
        ]
    if access.volumes:
        pod["pvcMount"] = [
            {"constant": claim, "mountPath": path} for path, claim in access.volumes.items()
        ]
    if settings.node_selector:
        pod["nodeSelector"] = {"labels": dict(settings.node_selector)}
    if settings.tolerations:
        pod["tolerations"] = [
            {name: value for name, value in toleration.model_dump().items() if value}
            for toleration in settings.tolerations
        ]
    return pod
