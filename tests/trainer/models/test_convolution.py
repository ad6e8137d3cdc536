"""Convolution, normalisation and ReLU in one operation are what they are one after another."""

import keras
import numpy as np
import pytest

from trainer.distributed.replicated_model import replicate
from trainer.models.convolution import NormalisedConvolution


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).normal(2.0, 3.0, (8, 9, 12, 3)).astype(np.float32)


@pytest.fixture(params=["float32", "mixed_bfloat16"])
def policy(request):
    """The policy of layers that are created meanwhile."""
    previous = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(request.param)
    yield request.param
    keras.mixed_precision.set_dtype_policy(previous)


@pytest.mark.parametrize(("window", "strides"), [(3, 1), (5, 2)])
def test_the_answer_is_that_of_the_layers_one_after_another(images, window, strides, policy):
    layer = NormalisedConvolution(6, window, strides)
    for _ in range(5):
        layer(images, training=True)
    layer.normalisation.gamma.assign(np.linspace(-1.0, 2.0, 6))
    layer.normalisation.beta.assign(np.linspace(0.5, -0.5, 6))
    apart = keras.ops.relu(layer.normalisation(layer.convolution(images), training=False))
    answer, apart = (keras.ops.cast(each, "float32") for each in (layer(images), apart))
    # bfloat16 has eight significant bits, and sums round several times.
    tolerance = {"atol": 1e-5} if policy == "float32" else {"rtol": 0.02, "atol": 0.05}
    np.testing.assert_allclose(answer, apart, **tolerance)
    assert np.asarray(apart).std() > 0.1
    assert layer(images).shape == layer.compute_output_shape(images.shape)


def test_training_normalises_by_the_batch_as_the_layer_of_keras_does(images, policy):
    layer = NormalisedConvolution(6, 3)
    layer.build(images.shape)
    layer.normalisation.gamma.assign(np.linspace(-1.0, 2.0, 6))
    apart = keras.layers.BatchNormalization.from_config(layer.normalisation.get_config())
    apart.build((None, None, None, 6))
    apart.set_weights(layer.normalisation.get_weights())
    expected = keras.ops.relu(apart(layer.convolution(images), training=True))
    tolerance = 1e-5 if policy == "float32" else 0.05
    answer = keras.ops.cast(layer(images, training=True), "float32")
    np.testing.assert_allclose(answer, keras.ops.cast(expected, "float32"), atol=tolerance)
    for average, of_keras in zip(layer.normalisation.weights, apart.weights, strict=True):
        np.testing.assert_allclose(average, of_keras, rtol=1e-5, atol=tolerance)


def test_a_batch_in_training_has_mean_0_and_standard_deviation_1(images):
    answer = NormalisedConvolution(6, 3)(images, training=True)
    # Half of a distribution with mean 0 and standard deviation 1 is positive.
    assert np.asarray(answer).mean() == pytest.approx(0.4, abs=0.1)


def test_a_copy_made_from_its_configuration_is_the_same_layer(images):
    layer = NormalisedConvolution(6, 5, 2)
    layer(images)
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(images), layer(images))


def test_replicas_share_mean_and_variance_of_normalisation_inside_other_layers():
    image = keras.Input((8, 8, 1))
    inner = keras.Model(image, NormalisedConvolution(2, 3)(image))
    outer = keras.Input((8, 8, 1))
    replicate(keras.Model(outer, inner(outer)))
    (convolution,) = [layer for layer in inner.layers if isinstance(layer, NormalisedConvolution)]
    assert convolution.normalisation.synchronized
