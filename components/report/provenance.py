"""Provenance of a run: its configuration, and artifacts with their ids in ML Metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx.types.artifact import Artifact


@dataclass(frozen=True)
class InputArtifact:
    """An artifact that a report describes.

    Attributes:
      role: name of the input, such as `model`.
      type_name: type of the artifact in ML Metadata.
      id: id of the artifact in ML Metadata, 0 where the runner gave none.
      uri: folder of the artifact.
    """

    role: str
    type_name: str
    id: int
    uri: str


def list_input_artifacts(inputs: Mapping[str, Sequence[Artifact]]) -> list[InputArtifact]:
    """Return the inputs of a component in the order in which they were made."""
    artifacts = [
        InputArtifact(role, artifact.type_name, artifact.id, artifact.uri)
        for role, role_artifacts in inputs.items()
        for artifact in role_artifacts
    ]
    return sorted(artifacts, key=lambda artifact: artifact.id)


def flatten(configuration: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a configuration by dotted keys, as `--set` accepts them."""
    flat: dict[str, Any] = {}
    for key, value in configuration.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
