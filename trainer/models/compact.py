"""The default model: five convolution blocks, about a hundred thousand parameters.

The tutorials' dense layer over every pixel has to learn each line at each place anew. Here the
last feature map is pooled over the whole picture instead, by its mean and by its maximum: a
class is a shape, wherever it lies, and a faint line that fills few pixels still shows in the
maximum.
"""

from __future__ import annotations

import keras
from keras import layers

from trainer.recipe import Recipe

SCHEDULE = {"initial_rate": 0.004, "decay_steps": None, "decay_rate": 0.9, "staircase": False}
AUGMENT = {"flip_time": True, "flip_frequency": True, "shift_frequency": 0.0, "noise": 0.0}

_FILTERS = (16, 24, 48, 64, 96)


def build(height: int, width: int, classes: int) -> keras.Model:
    """Return the model: float32 [N, height, width, 1] to probabilities [N, classes]."""
    image = keras.Input((height, width, 1), name="image")
    features = image
    for block, filters in enumerate(_FILTERS):
        # Full-resolution maps cost most of the time. The first block halves the size in its
        # convolution, whose 5 x 5 window still covers a line of one pixel whatever its place.
        features = layers.Conv2D(
            filters,
            5 if block == 0 else 3,
            strides=2 if block == 0 else 1,
            padding="same",
            use_bias=False,
        )(features)
        features = layers.BatchNormalization(momentum=0.9)(features)
        features = layers.Activation("relu")(features)
        if block in (1, 2, 3):
            features = layers.MaxPooling2D(2)(features)
    pooled = layers.Concatenate()(
        [layers.GlobalAveragePooling2D()(features), layers.GlobalMaxPooling2D()(features)]
    )
    pooled = layers.Dropout(0.2)(pooled)
    probabilities = layers.Dense(
        classes, activation="softmax", dtype="float32", name="probabilities"
    )(pooled)
    return keras.Model(image, probabilities, name="compact")


RECIPE = Recipe(build, SCHEDULE, AUGMENT)
