"""What a run was made of: configuration, versions, and the artifacts by ML Metadata's numbers."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx.types.artifact import Artifact

PACKAGES = (
    "radio-signals",
    "tfx",
    "tensorflow",
    "keras",
    "tensorflow-transform",
    "tensorflow-model-analysis",
    "tensorflow-data-validation",
    "apache-beam",
    "ml-metadata",
    "numpy",
    "scikit-learn",
)


@dataclass(frozen=True)
class Ancestor:
    """An artifact that a report is of.

    Attributes:
      role: what it is to the report, such as `model`.
      type_name: its type in ML Metadata.
      number: its id there; 0 where the runner gave none.
      uri: where it lies.
    """

    role: str
    type_name: str
    number: int
    uri: str


def lineage(inputs: Mapping[str, Sequence[Artifact]]) -> list[Ancestor]:
    """Return what a component was given, in the order in which it was made."""
    ancestors = [
        Ancestor(role, artifact.type_name, artifact.id, artifact.uri)
        for role, artifacts in inputs.items()
        for artifact in artifacts
    ]
    return sorted(ancestors, key=lambda ancestor: ancestor.number)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that figures depend on."""
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in PACKAGES
    }


def flattened(configuration: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a configuration by dotted keys, as `--set` takes them."""
    flat = {}
    for key, value in configuration.items():
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
