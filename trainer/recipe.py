"""A model and the training settings that suit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Recipe:
    """How to build a model, and what its training is set to where configuration says nothing.

    Attributes:
      build: from height, width and number of classes to a Keras model that maps float32
        [N, height, width, 1] to probabilities [N, classes]. Its last layer is made with
        `dtype="float32"`, so that probabilities keep their digits in mixed precision.
      schedule: arguments of `trainer.schedule.learning_rate`, at least `initial_rate`.
      augment: fields of `trainer.augmentation.Augmentation`; none augments nothing.
      optimizer: arguments of `trainer.compiling.optimizer`; none is Adam.
      label_smoothing: part of each label that is spread over all classes, 0 for none.
    """

    build: Callable[[int, int, int], keras.Model]
    schedule: Mapping[str, Any]
    augment: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    label_smoothing: float = 0.0
