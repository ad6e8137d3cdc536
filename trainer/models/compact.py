"""The default model: a search for lines and a small CNN, see docs/model.md.

The tutorials' dense layer over every pixel must learn each line at each position separately. Here,
a search without weights adds up all pixels of a line, wherever the line is, and says how well each
kind of line explains them: straight, curved, wandering or none. Convolutions over the picture
recognise what is not a line, by the mean and the maximum over all positions. A small dense layer
decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import layers

from trainer.line_search.search_model import SECOND_LOOK_FEATURES, build_line_search
from trainer.models.convolution import NormalisedConvolution
from trainer.models.recipe import PrecomputedLayer, Recipe

SCHEDULE = {"kind": "cosine", "initial_rate": 0.004, "warmup_epochs": 0.5}
AUGMENT = {
    "flip_time": True,
    "flip_frequency": True,
    "invert": True,
    "shift_frequency": 0.0,
    "noise": 0.0,
}
# The search gives the same result for a spectrogram, its mirror images and its negative.
LINE_SEARCH = PrecomputedLayer(
    "line_search",
    "decision",
    unchanged_by=frozenset({"flip_time", "flip_frequency", "invert"}),
    repeated=SECOND_LOOK_FEATURES,
)

# Filters of each convolution over the picture. oneDNN, which TensorFlow uses on a CPU, handles
# multiples of eight in much less time.
FILTERS = (16, 16, 24)
# Units of each dense layer.
_UNITS = 96


def build(
    height: int,
    width: int,
    classes: int,
    filters: Sequence[int] = FILTERS,
    search: bool = True,
    search_without: Sequence[str] = (),
) -> keras.Model:
    """Return the model: float32 [N, height, width, 1] to probabilities [N, classes].

    Args:
      height: pixels along time.
      width: pixels along frequency.
      classes: number of classes.
      filters: filters of each convolution over the picture. If empty, the mean and the maximum are
        those of the picture itself.
      search: whether to search for lines.
      search_without: kinds of evidence to leave out, see `build_line_search`.
    """
    image = keras.Input((height, width, 1), name="image")
    inputs = {"image": image}
    if search:
        inputs["evidence"] = build_line_search(height, width, search_without)(image)
    shapes = {name: value.shape[1:] for name, value in inputs.items()}
    decision = _build_decision(shapes, classes, filters)
    return keras.Model(image, decision(inputs), name="compact")


def _build_decision(
    shapes: dict[str, tuple[int, ...]], classes: int, filters: Sequence[int]
) -> keras.Model:
    """Return the layer that holds all weights of the model."""
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    features = _summarise_picture(inputs["image"], filters)
    if "evidence" in inputs:
        # Kinds of evidence differ in scale. Slower averages would not have settled after a training
        # of a few steps.
        evidence = layers.BatchNormalization(momentum=0.9)(inputs["evidence"])
        features.append(layers.Dense(_UNITS, activation="relu")(evidence))
    features = layers.Dropout(0.2)(layers.Concatenate()(features))
    features = layers.Dropout(0.2)(layers.Dense(_UNITS, activation="relu")(features))
    probabilities = layers.Dense(
        classes, activation="softmax", dtype="float32", name="probabilities"
    )(features)
    return keras.Model(inputs, probabilities, name=LINE_SEARCH.rest)


def _summarise_picture(picture: tf.Tensor, filters: Sequence[int]) -> list[tf.Tensor]:
    """Return the mean and the maximum of each pattern; a faint pattern fills few pixels."""
    for block, count in enumerate(filters):
        # Maps at full resolution would take most of the time. The windows of the first convolution
        # still overlap by nearly half. Each further one but the last halves the size.
        window, strides = (3, 2 if block < len(filters) - 1 else 1) if block else (7, 4)
        picture = NormalisedConvolution(count, window, strides)(picture)
    return [layers.GlobalAveragePooling2D()(picture), layers.GlobalMaxPooling2D()(picture)]


RECIPE = Recipe(build, SCHEDULE, AUGMENT, precomputed_layer=LINE_SEARCH)
