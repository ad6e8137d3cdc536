"""Checks a package against the rules of Kubeflow's backend before it is written.

The backend refuses some packages, and accepts others that it then cannot run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.config.config import ConfigError
from pipeline.kubeflow.compile.launcher_folders import STORES
from pipeline.kubeflow.submit.parameter_values import TYPES

SCHEMA_VERSION = "2.1.0"

# Bytes of JSON. A run is a Kubernetes object with the package in it; etcd stores no larger object.
_LARGEST_PACKAGE = 1_000_000

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,126}[a-z0-9])?")


def check_package(documents: list[dict[str, Any]]) -> None:
    """Check a package.

    Args:
      documents: pipeline specification, and platform specification if there is one.

    Raises:
      ConfigError: the package breaks rules; the message has a sentence about each.
    """
    if violations := list(find_violations(documents)):
        raise ConfigError("Kubeflow would refuse this package: " + " ".join(violations))


def find_violations(documents: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a sentence about each rule that a package breaks."""
    spec = documents[0]
    version = spec.get("schemaVersion")
    if version != SCHEMA_VERSION:
        yield f"The backend supports only schema version {SCHEMA_VERSION}, but this is {version}."
    name = spec.get("pipelineInfo", {}).get("name", "")
    if not _NAME.fullmatch(name):
        yield (
            f'The pipeline\'s name "{name}" must consist of at most 128 lower-case letters, digits '
            "and hyphens."
        )
    yield from _check_root(spec.get("defaultPipelineRoot", ""))
    yield from _check_parameters(spec)
    yield from _check_executors(spec)
    yield from _check_tasks(spec)
    yield from _check_platform(documents)
    size = len(json.dumps(documents, ensure_ascii=False).encode())
    if size > _LARGEST_PACKAGE:
        yield (
            f"It has {size:,} bytes, but Kubernetes stores a run, package included, only up to "
            f"about {_LARGEST_PACKAGE:,}. Shorten the configuration."
        )


def _check_root(root: str) -> Iterator[str]:
    _, _, folder = root.partition("://")
    if not root.startswith(STORES) or not folder.strip("/"):
        yield (
            f'The pipeline root "{root}" is not the address of a store that Kubeflow copies '
            f"artifacts to: give --root {', '.join(STORES)} with a bucket and a folder."
        )


def _get_run_parameters(spec: dict[str, Any]) -> dict[str, Any]:
    inputs: dict[str, Any] = spec.get("root", {}).get("inputDefinitions", {})
    return inputs.get("parameters", {})


def _get_executors(spec: dict[str, Any]) -> dict[str, Any]:
    executors: dict[str, Any] = spec.get("deploymentSpec", {}).get("executors", {})
    return executors


def _check_parameters(spec: dict[str, Any]) -> Iterator[str]:
    for name, parameter in _get_run_parameters(spec).items():
        if parameter.get("parameterType") not in TYPES:
            yield f"The parameter {name} has no type that the backend knows."


def _check_executors(spec: dict[str, Any]) -> Iterator[str]:
    for label, executor in _get_executors(spec).items():
        container = executor.get("container", {})
        if "resolver" in executor:
            yield f"{label} is a Resolver, which the backend has not implemented."
        elif "container" in executor and not container.get("image"):
            yield f"{label} has no image: give --image."
        elif "container" in executor and not container.get("command"):
            yield f"{label} has no command; the launcher does not run an image's own."
        if "preCacheCheck" in container.get("lifecycle", {}):
            yield f"{label} has a driver, which the backend never runs."


def _check_tasks(spec: dict[str, Any]) -> Iterator[str]:
    tasks = spec.get("root", {}).get("dag", {}).get("tasks", {})
    for name, task in tasks.items():
        if not _NAME.fullmatch(name):
            yield f'The task "{name}" has a name that Kubernetes does not allow.'
        component = _get_component(spec, task)
        if component is None:
            yield f"The task {name} has a component that does not exist."
            continue
        if component.get("executorLabel") not in _get_executors(spec):
            yield f"The task {name} has no executor."
        for other in task.get("dependentTasks", ()):
            if other not in tasks:
                yield f"The task {name} waits for {other}, which does not exist."
        yield from _check_inputs(spec, name, task.get("inputs", {}))
    yield from _check_order(tasks)


def _get_component(spec: dict[str, Any], task: dict[str, Any]) -> Any | None:
    return spec.get("components", {}).get(task.get("componentRef", {}).get("name", ""))


def _check_inputs(spec: dict[str, Any], name: str, inputs: dict[str, Any]) -> Iterator[str]:
    for key, artifact in inputs.get("artifacts", {}).items():
        source = artifact.get("taskOutputArtifact", {})
        producer = spec["root"]["dag"]["tasks"].get(source.get("producerTask"), {})
        component = _get_component(spec, producer) or {}
        outputs = component.get("outputDefinitions", {}).get("artifacts", {})
        if source.get("outputArtifactKey") not in outputs:
            yield f"No task produces the input {key} of the task {name}."
    for key, parameter in inputs.get("parameters", {}).items():
        source = parameter.get("componentInputParameter")
        if source is not None and source not in _get_run_parameters(spec):
            yield f"The pipeline does not have the parameter {key} of the task {name}."


def _check_order(tasks: dict[str, Any]) -> Iterator[str]:
    waiting = {name: set(task.get("dependentTasks", ())) for name, task in tasks.items()}
    while ready := [name for name, others in waiting.items() if not others & waiting.keys()]:
        for name in ready:
            del waiting[name]
    if waiting:
        yield f"These tasks wait for each other: {', '.join(sorted(waiting))}."


def _check_platform(documents: list[dict[str, Any]]) -> Iterator[str]:
    if len(documents) > 2:
        yield "It has more than two documents."
    for document in documents[1:]:
        kubernetes = document.get("platforms", {}).get("kubernetes", {})
        for label in _get_executors(kubernetes):
            if label not in _get_executors(documents[0]):
                yield f"The platform specification has settings for {label}, which does not exist."
