"""Reads a compiled package, the YAML file that Kubeflow Pipelines runs, and checks what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from data.storage.files import read_bytes
from pipeline.config.config import ConfigError
from pipeline.kubeflow.compile.backend_rules import SCHEMA_VERSION

_ENDINGS = (".yaml", ".yml")
_COMPILE = "Make one with radio-signals compile."


@dataclass(frozen=True)
class CompiledPackage:
    """A package, and what a submission needs to know about it.

    Attributes:
      name: name of the pipeline.
      tasks: names of the tasks as Kubeflow Pipelines reports them, in the package's order.
      parameters: by name, `parameterType` and, if present, `defaultValue`, `isOptional` and
        `description`.
      content: the file to upload.
    """

    name: str
    tasks: tuple[str, ...]
    parameters: dict[str, dict[str, Any]]
    content: bytes

    @property
    def digest(self) -> str:
        """The first twelve hexadecimal digits of the content's SHA-256."""
        return hashlib.sha256(self.content).hexdigest()[:12]


def read_package(file: str, cache: bool = True) -> CompiledPackage:
    """Read and check a package.

    Args:
      file: path of the package.
      cache: False turns off the cache for every task.

    Raises:
      ConfigError: Kubeflow Pipelines would not accept the file.
    """
    try:
        content = read_bytes(file)
    except (FileNotFoundError, IsADirectoryError):
        raise ConfigError(f"The package {file} does not exist. {_COMPILE}") from None
    if not file.endswith(_ENDINGS):
        # Kubeflow's web interface requires the ending, too.
        raise ConfigError(f"The package {file} has to end in {' or '.join(_ENDINGS)}. {_COMPILE}")
    try:
        documents = list(yaml.safe_load_all(content))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{file}{line}: this is not YAML. {_COMPILE}") from None
    spec = _find_pipeline_spec(file, documents)
    if not cache:
        for task in _list_all_tasks(spec):
            task["cachingOptions"] = {"enableCache": False}
        content = yaml.safe_dump_all(documents, sort_keys=False).encode()
    tasks = spec["root"].get("dag", {}).get("tasks", {})
    return CompiledPackage(
        name=spec["pipelineInfo"]["name"],
        tasks=tuple(task.get("taskInfo", {}).get("name") or key for key, task in tasks.items()),
        parameters=spec["root"].get("inputDefinitions", {}).get("parameters", {}),
        content=content,
    )


def _find_pipeline_spec(file: str, documents: list[Any]) -> dict[str, Any]:
    """Return the document that holds the pipeline; another one may hold platform settings."""
    specs = [
        document
        for document in documents
        if isinstance(document, dict) and "platforms" not in document
    ]
    spec = specs[0] if len(specs) == 1 else {}
    if "pipelineSpec" in spec:
        raise ConfigError(
            f"{file} is a job for Vertex AI, not a package of Kubeflow Pipelines. {_COMPILE}"
        )
    if spec.get("kind") == "Workflow":
        raise ConfigError(
            f"{file} is a package of Kubeflow Pipelines 1, an Argo workflow. {_COMPILE}"
        )
    if not {"pipelineInfo", "schemaVersion"} <= set(spec) or not spec["pipelineInfo"].get("name"):
        raise ConfigError(f"{file} is not a package of Kubeflow Pipelines. {_COMPILE}")
    if spec["schemaVersion"] != SCHEMA_VERSION:
        raise ConfigError(
            f"{file} has schema version {spec['schemaVersion']}, but Kubeflow Pipelines accepts "
            f"only {SCHEMA_VERSION}. Compile it again with radio-signals compile."
        )
    if not spec.get("root"):
        raise ConfigError(f"{file} holds a pipeline without steps. {_COMPILE}")
    return spec


def _list_all_tasks(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every task, including those of pipelines within the pipeline."""
    for component in (spec["root"], *spec.get("components", {}).values()):
        yield from component.get("dag", {}).get("tasks", {}).values()
