"""The tutorials' CNN, kept for comparison: 33 million parameters at 64 x 128 pixels.

Layers and hyper-parameters are those of the published notebooks. So are the single flip and a
learning rate that is almost zero after ten epochs of a hundred steps. The model sees unstandardised
grey levels, as the notebooks do. In a rendered data set, brightness tells noise from signals and a
squiggle from other lines. That is why the notebooks get these classes right, but nobody should rely
on it.
"""

from __future__ import annotations

import keras
from keras import layers

from trainer.models.recipe import Recipe

SCHEDULE = {"initial_rate": 0.005, "decay_steps": 5, "decay_rate": 0.96, "staircase": True}
AUGMENT = {"flip_time": False, "flip_frequency": True, "shift_frequency": 0.0, "noise": 0.0}


def build(height: int, width: int, classes: int) -> keras.Model:
    """Return the model: float32 [N, height, width, 1] to probabilities [N, classes]."""
    model = keras.Sequential([keras.Input((height, width, 1), name="image")], name="reference")
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


RECIPE = Recipe(build, SCHEDULE, AUGMENT, normalise="levels")
