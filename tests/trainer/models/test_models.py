"""The models: their inputs, outputs and sizes."""

import numpy as np
import pytest

from trainer import models


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.parametrize(("height", "width", "classes"), [(64, 128, 4), (48, 32, 7)])
def test_a_model_turns_images_of_any_size_into_probabilities(name, height, width, classes):
    model = models.load(name).build(height, width, classes)
    images = np.random.default_rng(0).normal(size=(3, height, width, 1)).astype(np.float32)
    probabilities = model.predict(images, verbose=0)
    assert probabilities.shape == (3, classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_reference_is_the_model_of_the_tutorials():
    model = models.load("reference").build(64, 128, 4)
    # 16 x 32 x 64 features into 1,024 units are 33.6 million weights alone.
    assert model.count_params() == 33_616_132
    kinds = [type(layer).__name__ for layer in model.layers]
    block = ["Conv2D", "BatchNormalization", "Activation", "MaxPooling2D", "Dropout"]
    assert kinds == [
        *block,
        *block,
        "Flatten",
        "Dense",
        "BatchNormalization",
        "Activation",
        "Dropout",
        "Dense",
    ]


def test_the_compact_model_is_two_orders_of_magnitude_smaller():
    assert models.load("compact").build(64, 128, 4).count_params() < 150_000
