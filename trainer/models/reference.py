"""The tutorials' CNN, kept as the yardstick: 33 million parameters at 64 x 128.

Layers and hyper-parameters are those of the published notebooks, including the one flip and a
learning rate that is all but zero after ten epochs of a hundred steps.
"""

from __future__ import annotations

import keras
from keras import layers

from trainer.recipe import Recipe

# Grey levels of the published set. The notebooks show the network grey levels, not standardised
# ones: so little contrast comes out of the first convolution that its normalisation damps it.
MEAN, DEVIATION = 0.63, 0.034
SCHEDULE = {"initial_rate": 0.005, "decay_steps": 5, "decay_rate": 0.96, "staircase": True}
AUGMENT = {"flip_time": False, "flip_frequency": True, "shift_frequency": 0.0, "noise": 0.0}


def build(height: int, width: int, classes: int) -> keras.Model:
    """Return the model: float32 [N, height, width, 1] to probabilities [N, classes]."""
    model = keras.Sequential([keras.Input((height, width, 1), name="image")], name="reference")
    model.add(layers.Rescaling(DEVIATION, MEAN))
    for filters in (32, 64):
        model.add(layers.Conv2D(filters, 5, padding="same"))
        model.add(layers.BatchNormalization())
        model.add(layers.Activation("relu"))
        model.add(layers.MaxPooling2D(2))
        model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(1024))
    model.add(layers.BatchNormalization())
    model.add(layers.Activation("relu"))
    model.add(layers.Dropout(0.4))
    model.add(layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities"))
    return model


RECIPE = Recipe(build, SCHEDULE, AUGMENT)
