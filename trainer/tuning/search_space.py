"""The settings that tuning chooses, and the values it chooses from.

Left out on purpose: what only saves time (early stopping, which keeps the best epoch as every
run does), what no rate suits at once (the optimiser's kind), and the network itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import keras_tuner

from data.invalid import InvalidData
from trainer.settings import Settings


@dataclass(frozen=True)
class Around:
    """Values on a logarithmic scale around the one that is chosen without tuning.

    Attributes:
      factor: the range is from that value divided by it to that value times it.
    """

    factor: float


# By configuration key. The value chosen without tuning is among the choices even if not named.
SPACE = {
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

# What somebody sets of a kind of schedule decides on the kind.
_OF_KIND_EXPONENTIAL = {"schedule.decay_steps", "schedule.decay_rate", "schedule.staircase"}
# The one makes no sense of grey levels, the other's choices are in deviations of an image.
_OF_STANDARDISED_IMAGES = {"augment.invert", "augment.noise"}


def search_space(
    settings: Settings, fixed: Collection[str], objective: str
) -> keras_tuner.HyperParameters:
    """Return the space of a search; its defaults are the values chosen without tuning.

    Args:
      settings: of training without tuning.
      fixed: configuration keys that somebody set: these are not for tuning to choose.
      objective: val_accuracy or val_loss. Losses of differently smoothed labels cannot be
        compared, so that label smoothing is not chosen by loss.

    Raises:
      InvalidData: every key of the space is fixed.
    """
    excluded = set(fixed)
    if excluded & _OF_KIND_EXPONENTIAL:
        excluded.add("schedule.kind")
    if objective == "val_loss":
        excluded.add("label_smoothing")
    if settings.normalise != "image":
        excluded |= _OF_STANDARDISED_IMAGES
    space = keras_tuner.HyperParameters()
    for key, values in SPACE.items():
        if key in excluded:
            continue
        untuned = untuned_value(settings, key)
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
            "Leave out those that tuning is to choose."
        )
    return space


def untuned_value(settings: Settings, key: str) -> Any:
    """Return what a key of the space is without tuning."""
    section, _, name = key.rpartition(".")
    if not section:
        return getattr(settings, name)
    given = getattr(getattr(settings, section), name)
    if given is not None:
        return given
    if key == "optimizer.weight_decay":
        # Keras's own default.
        return 0.004 if settings.optimizer.name == "adamw" else 0.0
    return SPACE[key][0]


def described(values: Mapping[str, Any]) -> str:
    """Return chosen values in a line; of what is off or 0, nothing."""
    return ", ".join(_in_words(key, values[key]) for key in SPACE if values.get(key))


def _in_words(key: str, value: Any) -> str:
    name = key.rpartition(".")[2].replace("_", " ")
    if isinstance(value, bool):
        return name
    if isinstance(value, str):
        return value
    return f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
