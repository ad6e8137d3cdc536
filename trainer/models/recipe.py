"""A model and the training settings that suit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class FixedPart:
    """That a model is made of a part that learns nothing and of the rest.

    Attributes:
      name: of the layer without weights that maps images to float32 [N, features].
      rest: name of the layer that maps these, as `evidence`, and the `image` to probabilities.
      unchanged_by: the fields of `trainer.inputs.augmentation.Augmentation` that change an image and not
        what the part makes of it.
    """

    name: str
    rest: str
    unchanged_by: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Recipe:
    """How to build a model, and what its training is set to where configuration says nothing.

    Attributes:
      build: from height, width and number of classes to a Keras model that maps float32
        [N, height, width, 1] to probabilities [N, classes]. Its last layer is made with
        `dtype="float32"`, so that probabilities keep their digits in mixed precision.
      schedule: arguments of `trainer.fitting.learning_rate.learning_rate`, at least `initial_rate`.
      augment: fields of `trainer.inputs.augmentation.Augmentation`; none augments nothing.
      optimizer: arguments of `trainer.fitting.compiling.optimizer`; none is Adam.
      label_smoothing: part of each label that is spread over all classes, 0 for none.
      normalise: what Transform does to images: `image` brings each to mean 0 and deviation 1,
        `levels` leaves grey levels from 0 to 1.
      fixed_part: what need not be computed again in every epoch, if there is such a part.
    """

    build: Callable[[int, int, int], keras.Model]
    schedule: Mapping[str, Any]
    augment: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    label_smoothing: float = 0.0
    normalise: str = "image"
    fixed_part: FixedPart | None = None
