"""The default model: a drift transform and a small CNN side by side, see docs/model.md.

The tutorials' dense layer over every pixel has to learn each line at each place anew. Here the
drift transform adds up all pixels of a line, wherever it is, and gives a small map of the strongest
one by drift and curvature: a straight line is a peak in its middle row, a curve a peak beside it, a
wandering line a smear, noise nothing. Convolutions over the picture itself see what is no line at
all. Both end in maxima over places, because a class is a shape wherever it lies.
"""

from __future__ import annotations

import keras
from keras import layers

from trainer.drift_transform import DriftTransform
from trainer.recipe import Recipe

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

# Of the convolutions over the picture, each at half the size of the one before but for the last.
FILTERS = (8, 16, 24, 32, 48)
# Channels, drifts and sagittas of the drift transforms. A line that wanders is no parabola, and
# comes close to one where neighbouring channels are averaged.
SCALES = ((128, 65, 25), (64, 33, 13))

# About the mean and the deviation of the strongest of all sums over noise, in deviations of one.
_STRONGEST_OF_NOISE, _SPREAD_OF_NOISE = 2.5, 1.1


def build(
    height: int,
    width: int,
    classes: int,
    filters: tuple[int, ...] = FILTERS,
    scales: tuple[tuple[int, int, int], ...] = SCALES,
) -> keras.Model:
    """Return the model: float32 [N, height, width, 1] to probabilities [N, classes].

    Args:
      height, width: of the images.
      classes: how many.
      filters: of each convolution over the picture; none leaves these out.
      scales: channels, drifts and sagittas of each drift transform; none leaves these out.
    """
    image = keras.Input((height, width, 1), name="image")
    features = [_of_lines(image, *scale) for scale in scales]
    if filters:
        features += _of_picture(image, filters)
    features = layers.Concatenate()(features) if len(features) > 1 else features[0]
    features = layers.Dropout(0.2)(features)
    probabilities = layers.Dense(
        classes, activation="softmax", dtype="float32", name="probabilities"
    )(features)
    return keras.Model(image, probabilities, name="compact")


def _of_lines(image, channels: int, drifts: int, sagittas: int):
    """What the strongest lines are like: [N, 48]."""
    lines = DriftTransform(64, channels, drifts, sagittas, name=f"drift_transform_{channels}")(
        image
    )
    lines = layers.Rescaling(1 / _SPREAD_OF_NOISE, -_STRONGEST_OF_NOISE / _SPREAD_OF_NOISE)(lines)
    # The class depends on the curvature, and not on the drift.
    lines = layers.MaxPooling2D((2, 1))(lines)
    for block, filters in enumerate((16, 32, 32)):
        lines = _convolution(lines, filters, 3)
        if block == 0:
            lines = layers.MaxPooling2D((2, 1))(lines)
    lines = layers.MaxPooling2D((lines.shape[1], 1))(lines)
    return layers.Dense(48, activation="relu")(layers.Flatten()(lines))


def _of_picture(image, filters: tuple[int, ...]) -> list:
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


RECIPE = Recipe(build, SCHEDULE, AUGMENT)
