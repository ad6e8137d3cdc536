"""What the exported model says of each validation spectrogram."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data import example_features
from trainer.inputs.batches import read_records

_BATCH = 256


@dataclass(frozen=True)
class Predictions:
    """Answers of the served signature, in stored order.

    Attributes:
      labels: int [N], index of the actual class.
      probabilities: float32 [N, classes], as they are served.
      images: uint8 [N, height, width], grey levels.
      files: str [N], the file of each below the data folder.
      rows: int [N], its row there, as people count them.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    images: np.ndarray
    files: np.ndarray
    rows: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """Index of the most probable class, int [N]."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the most probable class, float32 [N]."""
        return self.probabilities.max(axis=1)


def predict(model_dir: str, examples_dir: str, height: int, width: int) -> Predictions:
    """Ask an exported model about the validation split, as a client of the served model would.

    Args:
      model_dir: a SavedModel with the signature `serving_default`.
      examples_dir: output of SpectrogramExampleGen.
      height, width: of the stored spectrograms.
    """
    signature = tf.saved_model.load(model_dir).signatures["serving_default"]
    (argument,) = signature.structured_input_signature[1]
    features = {
        example_features.IMAGE: tf.io.FixedLenFeature([], tf.string),
        example_features.LABEL: tf.io.FixedLenFeature([], tf.int64),
        example_features.FILE: tf.io.FixedLenFeature([], tf.string),
        example_features.ROW: tf.io.FixedLenFeature([], tf.int64),
    }
    records = read_records([os.path.join(examples_dir, "Split-validation", "*")])
    labels, probabilities, images, files, rows = [], [], [], [], []
    for serialised in tf.data.Dataset.from_tensor_slices(records.serialised).batch(_BATCH):
        parsed = tf.io.parse_example(serialised, features)
        pixels = tf.io.decode_raw(parsed[example_features.IMAGE], tf.uint8)
        labels.append(parsed[example_features.LABEL].numpy())
        probabilities.append(signature(**{argument: serialised})["probabilities"].numpy())
        images.append(tf.reshape(pixels, [-1, height, width]).numpy())
        files.append(parsed[example_features.FILE].numpy().astype(str))
        rows.append(parsed[example_features.ROW].numpy())
    return Predictions(*map(np.concatenate, (labels, probabilities, images, files, rows)))
