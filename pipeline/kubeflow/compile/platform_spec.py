"""Sets what Kubernetes has to know of each step: retries, resources, secrets, volumes."""

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


def configure_container(
    container: dict[str, Any], task: dict[str, Any], settings: Kubeflow, step: str
) -> None:
    """Set retries, resources and environment of a step.

    Args:
      container: the step's container in the pipeline specification.
      task: the step's task there.
      settings: section `kubeflow` of the configuration.
      step: the step's name in `kubeflow.resources`.
    """
    if settings.retries:
        task["retryPolicy"] = {
            "maxRetryCount": settings.retries,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }
    if resources := _list_resources(settings, step):
        container["resources"] = resources
    if settings.env:
        container["env"] = [{"name": name, "value": value} for name, value in settings.env.items()]


def _list_resources(settings: Kubeflow, step: str) -> dict[str, Any]:
    of_step = settings.resources.get(step, settings.resources.get("default"))
    resources: dict[str, Any] = {}
    if of_step and of_step.cpu:
        resources |= {"cpuLimit": of_step.cpu, "cpuRequest": of_step.cpu}
    if of_step and of_step.memory:
        resources |= {"memoryLimit": of_step.memory, "memoryRequest": of_step.memory}
    if of_step and of_step.accelerator:
        resources["accelerator"] = {"type": of_step.accelerator, "count": str(of_step.accelerators)}
    return resources
