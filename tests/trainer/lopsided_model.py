"""A model that returns NaN when it does not train."""

import math

import keras
from keras import layers

from tests.trainer import small_run
from trainer.models.recipe import Recipe


class NanOutsideTraining(layers.Layer):
    def call(self, inputs, training=False):
        return inputs if training else inputs * math.nan


def build(height: int, width: int, classes: int) -> keras.Model:
    model = small_run.build(height, width, classes)
    return keras.Model(model.inputs, NanOutsideTraining(dtype="float32")(model.outputs[0]))


RECIPE = Recipe(build, schedule={"initial_rate": 0.02})
