"""What a training run is set to: the configuration over the model's own recipe."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data.invalid import InvalidData
from trainer import models
from trainer.models.recipe import Recipe

# Where things lie, which decides nothing about the weights. What the weights start from does,
# but by its content and not by its place.
_PLACES = ("checkpoint_dir", "initial_weights", "warm_start_from")


@dataclass(frozen=True)
class Settings:
    """Everything that training is told; `pipeline.config.config` explains the keys of the same names.

    Attributes:
      recipe: the model's own, from which unset keys were taken.
      initial_weights: a weights file to start from, or empty.
      warm_start_from: a pushed model, or a folder of them, to start from, or empty.
      checkpoint_dir: where an interrupted run leaves what it can go on from; empty for nowhere.
      tuned: values that tuning chose, by configuration key.
      given: the configuration as it came, with what tuning chose, and with keys that only others
        read.
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
    normalise: str = "image"
    class_weights: str | dict[str, float] | None = None
    early_stopping: int = 0
    keep_best: str = "val_loss"
    calibrate: bool = True
    mixed_precision: bool = False
    steps_per_execution: int = 1
    strategy: str = "auto"
    initial_weights: str = ""
    warm_start_from: str = ""
    checkpoint_dir: str = ""
    tuned: dict[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A digest of everything given that decides the weights."""
        deciding = {key: value for key, value in self.given.items() if key not in _PLACES}
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def resolve(
    custom_config: Mapping[str, Any], hyperparameters: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings of a run.

    Args:
      custom_config: by the names of `Settings`. Keys with a default may be absent; None, in a
        section too, takes the model's own value.
      hyperparameters: what tuning chose, as KerasTuner writes it; None for nothing. It wins over
        the model's own values and, because a search leaves alone what somebody set, over
        `custom_config`.

    Raises:
      InvalidData: an augmentation does not go with the normalisation.
    """
    tuned = _without_bookkeeping((hyperparameters or {}).get("values", {}))
    custom_config = _with(custom_config, tuned)
    recipe = models.load(custom_config["model"])
    names = {entry.name for entry in dataclasses.fields(Settings)}
    values = {key: value for key, value in custom_config.items() if key in names}
    for section in ("schedule", "augment", "optimizer"):
        values[section] = {**getattr(recipe, section), **_chosen(custom_config.get(section) or {})}
    if values.get("label_smoothing") is None:
        values["label_smoothing"] = recipe.label_smoothing
    values["normalise"] = normalisation(custom_config)
    if values["normalise"] != "image" and values["augment"].get("invert"):
        raise InvalidData(
            f"augment.invert changes the sign of images whose mean is 0, and normalise is "
            f"{values['normalise']}. Set normalise=image, or augment.invert=false."
        )
    return Settings(**values, recipe=recipe, tuned=tuned, given=custom_config)


def normalisation(custom_config: Mapping[str, Any]) -> str:
    """Return what Transform does to the images of a run: `image` or `levels`.

    Args:
      custom_config: `normalise`; where it is absent or None, `model` names the model whose own
        value is taken.
    """
    if custom_config.get("normalise"):
        return custom_config["normalise"]
    model = custom_config.get("model")
    return models.load(model).normalise if model else "image"


def _without_bookkeeping(values: Mapping[str, Any]) -> dict[str, Any]:
    """Chosen values by configuration key; KerasTuner's notes have a slash in their names."""
    return {key: value for key, value in values.items() if "/" not in key}


def _with(custom_config: Mapping[str, Any], tuned: Mapping[str, Any]) -> dict[str, Any]:
    config = dict(custom_config)
    for key, value in tuned.items():
        section, _, name = key.rpartition(".")
        if section:
            config[section] = {**(config.get(section) or {}), name: value}
        else:
            config[name] = value
    return config


def _chosen(section: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a configuration section that somebody set."""
    return {name: value for name, value in section.items() if value is not None}
