"""Exports the SavedModel. It maps raw input to class names and loads without our code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from data import example_features
from trainer.export.model_card import (
    describe_files,
    list_versions,
    list_weight_shapes,
    write_model_card,
)
from trainer.export.network_weights import write_network_weights
from trainer.export.served_probabilities import ServedProbabilities
from trainer.export.shared_constants import share_constants
from trainer.export.tflite import write_tflite_model
from trainer.export.warm_up import EXAMPLES_ARGUMENT, write_warm_up_requests
from trainer.preprocessing import normalise
from trainer.settings import Settings

# So many images, and what is computed from them, fit into a processor's cache.
_IMAGES_PER_BLOCK = 64
_BLOCKS_AT_A_TIME = 2


class SpectrogramClassifier(tf.Module):
    """Preprocessing graph, model, calibration and class names in one exportable module."""

    def __init__(
        self,
        served: ServedProbabilities,
        transform: tft.TFTransformOutput,
        settings: Settings,
    ) -> None:
        super().__init__()

        # Constants load faster than variables.
        constants = list(zip(served.model.weights, served.model.get_weights(), strict=True))

        def predict(images: tf.Tensor) -> tf.Tensor:
            with keras.StatelessScope(constants):
                return served.compute(images)

        # Both signatures call the same function, so that the graph of the model is stored once.
        self._predict = tf.function(
            predict,
            input_signature=[tf.TensorSpec([None, settings.height, settings.width, 1])],
            autograph=False,
        )
        self._settings = settings
        # Also hidden: TensorFlow would trace the layer once more to store it for itself.
        layer = transform.transform_features_layer()
        self._transform: Callable[[dict[str, tf.Tensor]], tf.Tensor] = lambda features: layer(
            features
        )[example_features.IMAGE]
        self._feature_spec = {
            example_features.IMAGE: transform.raw_feature_spec()[example_features.IMAGE]
        }
        self._classes = tf.constant(settings.classes)
        self.classify_examples = tf.function(
            lambda examples: self._classify(examples, self._read_examples),
            input_signature=[tf.TensorSpec([None], tf.string, name=EXAMPLES_ARGUMENT)],
            autograph=False,
        )
        shape = [None, settings.height, settings.width]
        self.classify_spectrograms = tf.function(
            lambda spectrograms: self._classify(spectrograms, self.read_spectrograms),
            input_signature=[tf.TensorSpec(shape, tf.float32, name="spectrograms")],
            autograph=False,
        )

    def _read_examples(self, examples: tf.Tensor) -> tf.Tensor:
        """Return the model's input from serialised tf.Examples, string [N], by feature `image`."""
        return self._transform(tf.io.parse_example(examples, self._feature_spec))

    def read_spectrograms(self, spectrograms: tf.Tensor) -> tf.Tensor:
        """Return the model's input from float32 [N, height, width], grey levels from 0 to 1."""
        # Rounded to the grey levels in which training images are stored.
        levels = tf.round(tf.clip_by_value(spectrograms, 0.0, 1.0) * 255.0) / 255.0
        return normalise(levels[..., tf.newaxis], self._settings.normalise)

    def _classify(
        self, inputs: tf.Tensor, read: Callable[[tf.Tensor], tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Classify [N, ...] inputs of which `read` makes inputs of the model."""
        blocks = -(-tf.shape(inputs)[0] // _IMAGES_PER_BLOCK)

        def classify_block(block: tf.Tensor, results: tf.TensorArray) -> Any:
            start = block * _IMAGES_PER_BLOCK
            images = read(inputs[start : start + _IMAGES_PER_BLOCK])
            return block + 1, results.write(block, self._predict(images))

        shape = [None, len(self._settings.classes)]
        results = tf.TensorArray(tf.float32, blocks, infer_shape=False, element_shape=shape)
        _, results = tf.while_loop(
            lambda block, _: block < blocks,
            classify_block,
            (0, results),
            parallel_iterations=_BLOCKS_AT_A_TIME,
        )
        probabilities = tf.ensure_shape(results.concat(), shape)
        return {
            "probabilities": probabilities,
            "class": tf.gather(self._classes, tf.argmax(probabilities, axis=1)),
            "score": tf.reduce_max(probabilities, axis=1),
        }


def export(
    served: ServedProbabilities,
    transform: tft.TFTransformOutput,
    settings: Settings,
    facts: dict[str, Any],
    directory: str,
) -> None:
    """Write the SavedModel of a trained model.

    Args:
      served: the model, and what becomes of its probabilities.
      transform: output of the Transform step.
      settings: settings of the run.
      facts: how the model was trained, for the model card.
      directory: where to write.
    """
    module = SpectrogramClassifier(served, transform, settings)
    tf.saved_model.save(
        module,
        directory,
        signatures={
            "serving_default": module.classify_examples,
            "classify_spectrograms": module.classify_spectrograms,
        },
    )
    share_constants(directory)
    write_warm_up_requests(directory, settings.height, settings.width)
    write_network_weights(served.model, directory)
    if settings.export.tflite:
        write_tflite_model(served, module.read_spectrograms, settings, directory)
    write_model_card(
        directory,
        {
            "model_id": _compute_id(served, settings.classes),
            "classes": settings.classes,
            "height": settings.height,
            "width": settings.width,
            "weights": list_weight_shapes(served.model),
            "normalise": settings.normalise,
            "training": facts,
            "versions": list_versions(),
            "files": describe_files(directory),
        },
    )


def _compute_id(served: ServedProbabilities, classes: Sequence[str]) -> str:
    identity = [served.model.name, classes, served.temperature]
    digest = hashlib.sha256(json.dumps(identity).encode())
    for weights in served.model.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()
