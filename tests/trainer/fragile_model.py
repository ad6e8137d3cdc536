"""A model that is too large in the second trial of a search, and makes no numbers in the third."""

import itertools
import math

import keras
from keras import layers

from tests.trainer import small_run
from trainer.models.recipe import Recipe

# A trial builds two networks, one to train and one to keep the best weights in.
_TOO_LARGE, _NO_NUMBERS = 3, 4
_numbers = itertools.count(1)


def build(height: int, width: int, classes: int) -> keras.Model:
    number = next(_numbers)
    if number == _TOO_LARGE:
        raise MemoryError("no room for 3 terabytes")
    model = small_run.build(height, width, classes)
    if number == _NO_NUMBERS:
        nothing = layers.Rescaling(math.nan, dtype="float32")(model.outputs[0])
        model = keras.Model(model.inputs, nothing)
    return model


RECIPE = Recipe(build, schedule={"initial_rate": 0.02})
