"""The SavedModel: raw input in, named classes out, nothing of ours needed to load it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from data import example_features
from trainer.export.model_card import write_model_card
from trainer.fitting.starting_weights import weight_shapes
from trainer.quality.calibration import at_temperature


class SpectrogramClassifier(tf.Module):
    """Preprocessing graph, network, calibration and class names in one exportable module."""

    def __init__(
        self,
        network: keras.Model,
        transform: tft.TFTransformOutput,
        classes: Sequence[str],
        height: int,
        width: int,
        temperature: float | None = None,
    ):
        super().__init__()
        # Behind a function, so that each variable is stored once: by way of Keras's variables and
        # layers TensorFlow would store them again.
        self._predict = lambda images: network(images, training=False)
        self._temperature = temperature
        # The very variables of the network, in its own order: what a warm start reads.
        self.network_weights = [weight.value for weight in network.weights]
        self._normalise = transform.transform_features_layer()
        self._feature_spec = {
            example_features.IMAGE: transform.raw_feature_spec()[example_features.IMAGE]
        }
        self._classes = tf.constant(classes)
        # The one-byte string of each grey level, to hand pixels to the preprocessing graph in
        # the very form in which they are stored.
        self._bytes = tf.constant([bytes([level]) for level in range(256)])
        self.classify_examples = tf.function(
            self._classify_examples,
            input_signature=[tf.TensorSpec([None], tf.string, name="examples")],
        )
        self.classify_spectrograms = tf.function(
            self._classify_spectrograms,
            input_signature=[tf.TensorSpec([None, height, width], tf.float32, name="spectrograms")],
        )

    def _classify_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classify serialised tf.Examples, string [N], by their feature `image`."""
        return self._classify(tf.io.parse_example(examples, self._feature_spec))

    def _classify_spectrograms(self, spectrograms: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classify float32 [N, height, width] with grey levels from 0 to 1."""
        levels = tf.cast(tf.round(tf.clip_by_value(spectrograms, 0.0, 1.0) * 255.0), tf.int32)
        pixels = tf.gather(self._bytes, tf.reshape(levels, [tf.shape(levels)[0], -1]))
        images = tf.strings.reduce_join(pixels, axis=1)
        # The shape that stored images have by the schema: [N], or [N, 1] where it was inferred.
        shape = self._feature_spec[example_features.IMAGE].shape
        return self._classify({example_features.IMAGE: tf.reshape(images, [-1, *shape])})

    def _classify(self, features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        images = self._normalise(features)[example_features.IMAGE]
        probabilities = self._predict(images)
        if self._temperature is not None:
            probabilities = at_temperature(probabilities, self._temperature)
        return {
            "probabilities": probabilities,
            "class": tf.gather(self._classes, tf.argmax(probabilities, axis=1)),
            "score": tf.reduce_max(probabilities, axis=1),
        }


def export(
    network: keras.Model,
    transform: tft.TFTransformOutput,
    classes: Sequence[str],
    height: int,
    width: int,
    directory: str,
    facts: dict[str, Any],
    temperature: float | None = None,
) -> None:
    """Write the SavedModel of a trained network.

    Args:
      network: maps float32 [N, height, width, 1] to probabilities [N, classes].
      transform: output of the Transform step.
      classes: names in the order of the network's outputs.
      height, width: pixels along time and along frequency.
      directory: where to write.
      facts: what else the model card says (`assets.extra/model.json`).
      temperature: of the probabilities that are served (`trainer.quality.calibration`); None serves the
        network's own.
    """
    module = SpectrogramClassifier(network, transform, classes, height, width, temperature)
    tf.saved_model.save(
        module,
        directory,
        signatures={
            "serving_default": module.classify_examples,
            "classify_spectrograms": module.classify_spectrograms,
        },
    )
    write_model_card(
        directory,
        {
            "model_id": _identity(network, classes, temperature),
            "classes": classes,
            "height": height,
            "width": width,
            "weights": weight_shapes(network),
            **facts,
        },
    )


def _identity(network: keras.Model, classes: Sequence[str], temperature: float | None) -> str:
    digest = hashlib.sha256(json.dumps([network.name, classes, temperature]).encode())
    for weights in network.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()
