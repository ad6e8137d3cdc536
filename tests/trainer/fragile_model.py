"""A model whose second network is too large, and whose third makes no numbers."""

import itertools
import math

import keras
from keras import layers

from tests.trainer import small_run
from trainer.recipe import Recipe

_numbers = itertools.count(1)


def build(height: int, width: int, classes: int) -> keras.Model:
    number = next(_numbers)
    if number == 2:
        raise MemoryError("no room for 3 terabytes")
    model = small_run.build(height, width, classes)
    if number == 3:
        nothing = layers.Rescaling(math.nan, dtype="float32")(model.outputs[0])
        model = keras.Model(model.inputs, nothing)
    return model


RECIPE = Recipe(build, schedule={"initial_rate": 0.02})
