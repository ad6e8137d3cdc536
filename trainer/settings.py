"""What a training run is set to: the configuration over the model's own recipe."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainer import models
from trainer.recipe import Recipe

# Where things lie, which decides nothing about the weights. What the weights start from does,
# but by its content and not by its place.
_PLACES = ("checkpoint_dir", "initial_weights", "warm_start_from")


@dataclass(frozen=True)
class Settings:
    """Everything that training is told; `pipeline.config` explains the keys of the same names.

    Attributes:
      recipe: the model's own, from which unset keys were taken.
      initial_weights: a weights file to start from, or empty.
      warm_start_from: a pushed model, or a folder of them, to start from, or empty.
      checkpoint_dir: where an interrupted run leaves what it can go on from; empty for nowhere.
      given: the configuration as it came, keys that only others read included.
    """

    classes: list[str]
    height: int
    width: int
    model: str
    epochs: int
    batch_size: int
    seed: int
    schedule: dict[str, Any]
    augment: dict[str, Any]
    optimizer: dict[str, Any]
    label_smoothing: float
    recipe: Recipe
    class_weights: str | dict[str, float] | None = None
    early_stopping: int = 0
    keep_best: str = "val_accuracy"
    calibrate: bool = True
    mixed_precision: bool = False
    steps_per_execution: int = 1
    initial_weights: str = ""
    warm_start_from: str = ""
    checkpoint_dir: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A digest of everything given that decides the weights."""
        deciding = {key: value for key, value in self.given.items() if key not in _PLACES}
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def resolve(custom_config: Mapping[str, Any]) -> Settings:
    """Return the settings of a run.

    Args:
      custom_config: by the names of `Settings`. Keys with a default may be absent; None, in a
        section too, takes the model's own value.
    """
    recipe = models.load(custom_config["model"])
    names = {entry.name for entry in dataclasses.fields(Settings)}
    values = {key: value for key, value in custom_config.items() if key in names}
    for section in ("schedule", "augment", "optimizer"):
        values[section] = {**getattr(recipe, section), **_chosen(custom_config.get(section) or {})}
    if values.get("label_smoothing") is None:
        values["label_smoothing"] = recipe.label_smoothing
    return Settings(**values, recipe=recipe, given=dict(custom_config))


def _chosen(section: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a configuration section that somebody set."""
    return {name: value for name, value in section.items() if value is not None}
