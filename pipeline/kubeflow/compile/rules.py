"""What Kubeflow's backend refuses, and what it accepts and then cannot run, said beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from pipeline.config.config import ConfigError
from pipeline.kubeflow.compile.uris import STORES
from pipeline.kubeflow.submit.parameters import TYPES

SCHEMA_VERSION = "2.1.0"

# Of a Kubernetes object, which a workflow with the whole package in it is; etcd takes no more.
_LARGEST = 1_000_000

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,126}[a-z0-9])?")


def refuse(documents: list[dict[str, Any]]) -> None:
    """Raise what the backend would say of a package, and what it would fail on later.

    Args:
      documents: pipeline specification, and platform specification if there is one.

    Raises:
      ConfigError: naming everything that is wrong, one sentence each.
    """
    if found := list(violations(documents)):
        raise ConfigError("Kubeflow would refuse this package: " + " ".join(found))


def violations(documents: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with a package, a sentence each."""
    spec = documents[0]
    version = spec.get("schemaVersion")
    if version != SCHEMA_VERSION:
        yield f"The backend knows schema version {SCHEMA_VERSION} only, and this is {version}."
    if not _NAME.fullmatch(spec.get("pipelineInfo", {}).get("name", "")):
        yield (
            f'The pipeline\'s name "{spec.get("pipelineInfo", {}).get("name", "")}" is not made of '
            "lower-case letters, digits and hyphens, 128 at most."
        )
    yield from _root(spec.get("defaultPipelineRoot", ""))
    yield from _parameters(spec)
    yield from _executors(spec)
    yield from _tasks(spec)
    yield from _platform(documents)
    size = len(yaml.dump_all(documents).encode())
    if size > _LARGEST:
        yield (
            f"It is {size:,} bytes long; Kubernetes takes objects up to about {_LARGEST:,}, and a "
            "run is one. Shorten the configuration."
        )


def _root(root: str) -> Iterator[str]:
    _, _, folder = root.partition("://")
    if not root.startswith(STORES) or not folder.strip("/"):
        yield (
            f'The pipeline root "{root}" is not the address of a store that Kubeflow copies '
            f"artifacts to: give --root {', '.join(STORES)} with a bucket and a folder."
        )


def _parameters(spec: dict[str, Any]) -> Iterator[str]:
    inputs = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    for name, parameter in inputs.items():
        if parameter.get("parameterType") not in TYPES:
            yield f"The parameter {name} has no type that the backend knows."


def _executors(spec: dict[str, Any]) -> Iterator[str]:
    for label, executor in spec.get("deploymentSpec", {}).get("executors", {}).items():
        if "resolver" in executor:
            yield f"{label} is a Resolver, which the backend has not implemented."
        elif "container" in executor and not executor["container"].get("image"):
            yield f"{label} has no image: give --image."
        elif "container" in executor and not executor["container"].get("command"):
            yield f"{label} has no command; the launcher does not run an image's own."
        if "preCacheCheck" in executor.get("container", {}).get("lifecycle", {}):
            yield f"{label} has a driver, which the backend never runs."


def _tasks(spec: dict[str, Any]) -> Iterator[str]:
    tasks = spec.get("root", {}).get("dag", {}).get("tasks", {})
    components = spec.get("components", {})
    executors = spec.get("deploymentSpec", {}).get("executors", {})
    inputs = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    for name, task in tasks.items():
        if not _NAME.fullmatch(name):
            yield f'The task "{name}" has no name that Kubernetes can take.'
        component = components.get(task.get("componentRef", {}).get("name", ""))
        if component is None:
            yield f"The task {name} is of a component that is not there."
            continue
        if component.get("executorLabel") not in executors:
            yield f"The task {name} has no executor."
        for other in task.get("dependentTasks", ()):
            if other not in tasks:
                yield f"The task {name} waits for {other}, which is not there."
        taken = task.get("inputs", {})
        for key, artifact in taken.get("artifacts", {}).items():
            source = artifact.get("taskOutputArtifact", {})
            producer = components.get(
                tasks.get(source.get("producerTask"), {}).get("componentRef", {}).get("name", "")
            )
            made = (producer or {}).get("outputDefinitions", {}).get("artifacts", {})
            if source.get("outputArtifactKey") not in made:
                yield f"The input {key} of the task {name} is made by no task."
        for key, parameter in taken.get("parameters", {}).items():
            source = parameter.get("componentInputParameter")
            if source is not None and source not in inputs:
                yield f"The parameter {key} of the task {name} is none of the pipeline's."
    yield from _circles(tasks)


def _circles(tasks: dict[str, Any]) -> Iterator[str]:
    left = {name: set(task.get("dependentTasks", ())) for name, task in tasks.items()}
    while ready := [name for name, waits in left.items() if not waits & left.keys()]:
        for name in ready:
            del left[name]
    if left:
        yield f"These tasks wait for each other: {', '.join(sorted(left))}."


def _platform(documents: list[dict[str, Any]]) -> Iterator[str]:
    if len(documents) > 2:
        yield "It has more than two documents."
    executors = documents[0].get("deploymentSpec", {}).get("executors", {})
    for document in documents[1:]:
        pods = document.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
        for label in pods.get("executors", {}):
            if label not in executors:
                yield f"The platform specification has settings of {label}, which is not there."
