"""A model that is too large in the second trial of a search, and returns NaN in the third."""

import itertools
import math

import keras
from keras import layers

from tests.trainer import small_run
from trainer.models.recipe import Recipe

# Numbers of builds. A trial builds two models: one to train and one to hold the best weights.
_TOO_LARGE, _NAN = 3, 4
_numbers = itertools.count(1)


def build(height: int, width: int, classes: int) -> keras.Model:
    number = next(_numbers)
    if number == _TOO_LARGE:
        raise MemoryError("no room for 3 terabytes")
    model = small_run.build(height, width, classes)
    if number == _NAN:
        outputs = layers.Rescaling(math.nan, dtype="float32")(model.outputs[0])
        model = keras.Model(model.inputs, outputs)
    return model


RECIPE = Recipe(build, schedule={"initial_rate": 0.02})
