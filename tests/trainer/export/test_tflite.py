"""The model for TensorFlow Lite runs in its interpreter alone, and decides like the model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from data.invalid import InvalidData
from trainer import models
from trainer.export.served_probabilities import ServedProbabilities
from trainer.export.tflite import TFLITE_MODEL, write_tflite_model
from trainer.settings import resolve

# The interpreter of the 1.21 line announces its successor.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Warning. tf.lite.Interpreter is deprecated")


def read(spectrograms):
    return tf.image.per_image_standardization(spectrograms[..., tf.newaxis])


def export(model, height, width, folder) -> bytes:
    settings = resolve({"height": height, "width": width})
    write_tflite_model(ServedProbabilities(model, 0.5), read, settings, str(folder))
    return (folder / TFLITE_MODEL).read_bytes()


def run(content: bytes, images: np.ndarray) -> np.ndarray:
    interpreter = tf.lite.Interpreter(model_content=content)
    names = {operation["op_name"] for operation in interpreter._get_ops_details()}
    assert not any(name.startswith("Flex") for name in names), names
    return interpreter.get_signature_runner()(spectrograms=images)["probabilities"]


def draw_lines(height, width, count) -> np.ndarray:
    """Return float32 [N, height, width]: noise, and in every other image a line that drifts."""
    rng = np.random.default_rng(0)
    images = rng.normal(0.7, 0.03, (count, height, width)).astype(np.float32)
    rows = np.arange(height)
    for number in range(0, count, 2):
        images[number, rows, width // 4 + rows * number // count] -= 0.2
    return images


def test_a_network_gives_the_same_calibrated_probabilities(tmp_path):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((16, 24, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalMaxPooling2D(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    images = draw_lines(16, 24, 5)
    probabilities = run(export(model, 16, 24, tmp_path), images)
    squared = np.asarray(model(read(tf.constant(images)))) ** 2  # of temperature 0.5
    np.testing.assert_allclose(
        probabilities, squared / squared.sum(axis=1, keepdims=True), atol=1e-5
    )


@pytest.mark.slow
def test_the_default_model_needs_no_operation_beyond_those_built_in(tmp_path):
    keras.utils.set_random_seed(0)
    model = models.load("compact").build(32, 48, 4)
    images = draw_lines(32, 48, 40)
    probabilities = run(export(model, 32, 48, tmp_path), images)
    expected = np.asarray(model(read(tf.constant(images)))) ** 2
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, atol=1e-3)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), expected.argmax(axis=1))


class Determinant(keras.layers.Layer):
    def call(self, images):
        return tf.nn.softmax(tf.linalg.det(images[:, :8, :8, 0])[:, tf.newaxis] * [1.0, 2.0])


def test_a_model_with_an_operation_that_is_missing_is_refused_with_its_name(tmp_path):
    inputs = keras.Input((16, 24, 1))
    model = keras.Model(inputs, Determinant()(inputs), name="exotic")
    with pytest.raises(InvalidData) as raised:
        export(model, 16, 24, tmp_path)
    assert str(raised.value) == (
        "export.tflite: TensorFlow Lite cannot run the model exotic; it lacks "
        "MatrixDeterminant. Leave export.tflite out, or choose another model."
    )
    assert list(tmp_path.iterdir()) == []
