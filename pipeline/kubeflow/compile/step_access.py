"""Finds the volumes and the store keys that each step needs, so that no other step gets them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from data.storage.object_store import SCHEMES
from pipeline.kubeflow.compile.blueprint import Blueprint

# A run may give this step another data folder, in any volume.
_DATA_STEP = "SpectrogramExampleGen"
# The Report describes the configuration and opens none of the paths in it.
_DESCRIPTIONS = ("configuration",)
_STORE_KEYS = "AWS_"


@dataclass(frozen=True)
class StepAccess:
    """What a step may reach.

    Attributes:
      volumes: names of the volume claims by mount path.
      secrets: environment variables from secrets, as `secret/key` by name.
    """

    volumes: Mapping[str, str]
    secrets: Mapping[str, str]


def find_access(
    blueprint: Blueprint, parameters: Mapping[str, Mapping[str, Any]]
) -> dict[str, StepAccess]:
    """Return what each step may reach, by node id.

    A step gets the volumes in which it is given a path, and the keys of the store if it is given
    the folder of pushed models or one of those beside it. Environment variables and Beam's options
    reach all steps, and so do the volumes that they name. Other secrets reach all steps.

    Args:
      blueprint: the graph's blueprint.
      parameters: the parameters of every step by node id.
    """
    settings = blueprint.config.kubeflow
    beam = blueprint.config.beam.args
    shared = [*settings.env.values(), *beam]
    kept = os.path.dirname(blueprint.serving_dir)
    # Without a folder in such a store, it is unknown which steps need the keys.
    is_in_store = kept.startswith(SCHEMES) and not beam
    access = {}
    for step, values in parameters.items():
        texts = [str(value) for name, value in values.items() if name not in _DESCRIPTIONS]
        volumes = {
            path: claim
            for path, claim in settings.volumes.items()
            if step == _DATA_STEP or _is_named(path, [*texts, *shared])
        }
        has_store = not is_in_store or _is_named(kept, texts)
        secrets = {
            name: source
            for name, source in settings.secrets.items()
            if has_store or not name.startswith(_STORE_KEYS)
        }
        access[step] = StepAccess(volumes, secrets)
    return access


def _is_named(folder: str, texts: Iterable[str]) -> bool:
    """Return whether a text names a folder or something in it, plainly or in JSON."""
    folder = folder.rstrip("/")
    written = "|".join(re.escape(text) for text in (folder, json.dumps(folder)[1:-1]))
    pattern = re.compile(rf"(?<![\w/.-])({written})(?![\w.-])")
    return any(pattern.search(text) for text in texts)
