"""The default model: a search for lines beside a small CNN, see docs/model.md.

The tutorials' dense layer over every pixel has to learn each line at each place anew. Here a search
that has nothing to learn adds up all pixels of a line, wherever it is, and says how well each kind
of line explains them: a straight one, a curve, one that wanders, none. Convolutions over the
picture see what is no line at all, by its mean and maximum over places. A small dense layer
decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from trainer.line_search.search import line_search
from trainer.models.recipe import FixedPart, Recipe

SCHEDULE = {
    "initial_rate": 0.004,
    "warmup_epochs": 0.5,
    "decay_steps": None,
    "decay_rate": 0.9,
    "staircase": False,
}
AUGMENT = {
    "flip_time": True,
    "flip_frequency": True,
    "invert": True,
    "shift_frequency": 0.0,
    "noise": 0.0,
}
# What the search finds in a spectrogram, it finds in its mirror image and its negative too.
FIXED_PART = FixedPart(
    "line_search", "decision", unchanged_by=frozenset({"flip_time", "flip_frequency", "invert"})
)

# Of the convolutions over the picture, each at half the size of the one before but for the last.
FILTERS = (8, 16, 24, 32, 48)


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
      height, width: of the images.
      classes: how many.
      filters: of each convolution over the picture; none leaves its own mean and maximum.
      search: whether lines are searched for.
      search_without: kinds of evidence to leave out, see `line_search`.
    """
    image = keras.Input((height, width, 1), name="image")
    found = {"image": image}
    if search:
        lines = line_search(height, width, search_without)
        found["evidence"] = lines(image)
    decision = _decision({name: value.shape[1:] for name, value in found.items()}, classes, filters)
    return keras.Model(image, decision(found), name="compact")


def _decision(
    shapes: dict[str, tuple[int, ...]], classes: int, filters: Sequence[int]
) -> keras.Model:
    """Everything that is learned."""
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    features = _of_picture(inputs["image"], filters)
    if "evidence" in inputs:
        features.append(layers.Dense(48, activation="relu")(inputs["evidence"]))
    features = layers.Dropout(0.2)(layers.Concatenate()(features))
    features = layers.Dropout(0.2)(layers.Dense(48, activation="relu")(features))
    probabilities = layers.Dense(
        classes, activation="softmax", dtype="float32", name="probabilities"
    )(features)
    return keras.Model(inputs, probabilities, name=FIXED_PART.rest)


def _of_picture(image, filters: Sequence[int]) -> list:
    """What patterns there are, by their mean and by their maximum: a faint one fills few pixels."""
    picture = image
    for block, count in enumerate(filters):
        # Full-resolution maps cost most of the time. The first block halves the size in its
        # convolution, whose 5 x 5 window still covers a line of one pixel whatever its place.
        picture = _convolution(picture, count, 3 if block else 5, 1 if block else 2)
        if 0 < block < len(filters) - 1:
            picture = layers.MaxPooling2D(2)(picture)
    return [layers.GlobalAveragePooling2D()(picture), layers.GlobalMaxPooling2D()(picture)]


def _convolution(inputs, filters: int, window: int, strides: int = 1):
    inputs = layers.Conv2D(filters, window, strides=strides, padding="same", use_bias=False)(inputs)
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(inputs))


RECIPE = Recipe(build, SCHEDULE, AUGMENT, fixed_part=FIXED_PART)
