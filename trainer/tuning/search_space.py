"""The settings that tuning chooses, and the values it chooses from.

Three kinds of settings are left out: those that only save time (early stopping keeps the best
epoch, as every run does), those that change the best learning rate (the kind of optimiser), and
the model itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import keras_tuner

from data.invalid import InvalidData
from trainer.config import EXPONENTIAL_KEYS, Monitor
from trainer.settings import Settings


@dataclass(frozen=True)
class Around:
    """Values on a logarithmic scale around the untuned value.

    Attributes:
      factor: the range is from the untuned value divided by this factor to the value times it.
    """

    factor: float


# Choices by configuration key. If neither the configuration nor the recipe sets a value, the first
# choice is the untuned value. The untuned value is always a choice, even if it is not listed.
SPACE: dict[str, Around | tuple[Any, ...]] = {
    "schedule.initial_rate": Around(factor=10),
    "schedule.kind": ("exponential", "cosine"),
    "schedule.warmup_epochs": (0.0, 0.5, 1.0),
    "batch_size": (16, 32, 64, 128),
    "optimizer.weight_decay": (0.0, 0.01, 0.1, 0.3),
    "label_smoothing": (0.0, 0.05, 0.1),
    "augment.flip_time": (False, True),
    "augment.flip_frequency": (False, True),
    "augment.invert": (False, True),
    "augment.shift_frequency": (0.0, 0.1, 0.25, 0.5),
    "augment.noise": (0.0, 0.1, 0.3),
}

# If the configuration sets one of these keys, it also sets the kind of schedule.
_FOR_EXPONENTIAL = {f"schedule.{key}" for key in EXPONENTIAL_KEYS}
# Inverting makes no sense for grey levels, and noise is in standard deviations of an image.
_FOR_STANDARDISED_IMAGES = {"augment.invert", "augment.noise"}


def build_search_space(
    settings: Settings, fixed: Collection[str], objective: Monitor
) -> keras_tuner.HyperParameters:
    """Return the space of a search. Its defaults are the untuned values.

    Args:
      settings: settings of training without tuning.
      fixed: configuration keys that the configuration sets, which tuning must not choose.
      objective: the metric that ranks the trials. Losses of differently smoothed labels cannot be
        compared, so with val_loss the space does not include label smoothing.

    Raises:
      InvalidData: every key of the space is fixed.
    """
    excluded = set(fixed)
    if excluded & _FOR_EXPONENTIAL:
        excluded.add("schedule.kind")
    if objective == "val_loss":
        excluded.add("label_smoothing")
    if settings.normalise != "image":
        excluded |= _FOR_STANDARDISED_IMAGES
    space = keras_tuner.HyperParameters()
    for key, values in SPACE.items():
        if key in excluded:
            continue
        untuned = _get_untuned_value(settings, key)
        if isinstance(values, Around):
            lowest, highest = untuned / values.factor, untuned * values.factor
            space.Float(key, lowest, highest, sampling="log", default=untuned)
        elif isinstance(untuned, bool):
            space.Boolean(key, default=untuned)
        elif isinstance(untuned, str):
            space.Choice(key, list(dict.fromkeys((*values, untuned))), default=untuned)
        else:
            space.Choice(key, sorted({*values, untuned}), default=untuned)
    if not space.space:
        raise InvalidData(
            f"There is nothing left to tune: the configuration sets all of {', '.join(SPACE)}. "
            "Remove those that tuning should choose."
        )
    return space


def describe(values: Mapping[str, Any]) -> str:
    """Return chosen values in one line, without those that are off or 0."""
    return ", ".join(_describe_value(key, values[key]) for key in SPACE if values.get(key))


def _get_untuned_value(settings: Settings, key: str) -> Any:
    section, _, name = key.rpartition(".")
    value = getattr(getattr(settings, section) if section else settings, name)
    choices = SPACE[key]
    if value is not None or isinstance(choices, Around):
        return value
    if key == "optimizer.weight_decay" and settings.optimizer.name == "adamw":
        # Keras's own default.
        return 0.004
    return choices[0]


def _describe_value(key: str, value: Any) -> str:
    name = key.rpartition(".")[2].replace("_", " ")
    if isinstance(value, bool):
        return name
    if isinstance(value, str):
        return value
    return f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
