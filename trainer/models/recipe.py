"""A model and the training settings that suit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class PrecomputedLayer:
    """A layer without weights, whose output can be computed once instead of in every epoch.

    The model consists of this layer and of one other layer, which takes its output.

    Attributes:
      name: name of the layer. It maps images to float32 [N, features].
      rest: name of the other layer. It maps `evidence`, the output of the first, and `image` to
        probabilities.
      unchanged_by: fields of `trainer.inputs.augmentation.Augmentation` that change an image but
        not the output of the layer.
      repeated: so many features at the end describe again what others describe.
    """

    name: str
    rest: str
    unchanged_by: frozenset[str] = frozenset()
    repeated: int = 0


@dataclass(frozen=True)
class Recipe:
    """How to build a model, and the training settings to use where the configuration sets none.

    Attributes:
      build: maps height, width and number of classes to a Keras model that maps float32
        [N, height, width, 1] to probabilities [N, classes]. Its last layer must have
        `dtype="float32"`, so that probabilities keep their digits in mixed precision.
      schedule: arguments of `trainer.fitting.learning_rate.make_learning_rate`, at least
        `initial_rate`.
      augment: fields of `trainer.inputs.augmentation.Augmentation`. Empty: no augmentation.
      optimizer: arguments of `trainer.fitting.compiling.make_optimizer`. Empty: Adam.
      label_smoothing: fraction of each label that is spread over all classes; 0 turns it off.
      normalise: what the Transform step does to images. `image` brings each image to mean 0 and
        standard deviation 1; `levels` keeps grey levels from 0 to 1.
      precomputed_layer: the layer to compute once instead of in every epoch; None for no layer.
    """

    build: Callable[[int, int, int], keras.Model]
    schedule: Mapping[str, Any]
    augment: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    label_smoothing: float = 0.0
    normalise: str = "image"
    precomputed_layer: PrecomputedLayer | None = None
