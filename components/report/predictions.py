"""Predictions of the exported model for each validation spectrogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from data import example_features
from data.storage import files
from trainer.inputs.batches import read_records

_BATCH = 256


@dataclass(frozen=True)
class Predictions:
    """Outputs of the served signature, in the order of the stored examples.

    Attributes:
      labels: int [N], index of the actual class.
      probabilities: float32 [N, classes], as they are served.
      images: uint8 [N, height, width], grey levels.
      files: str [N], the file of each spectrogram, relative to the data folder.
      rows: int [N], its 1-based row in the file.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    images: NDArray[np.uint8]
    files: NDArray[np.str_]
    rows: NDArray[np.int64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Index of the most probable class, int [N]."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of the most probable class, float32 [N]."""
        confidence: NDArray[np.float32] = self.probabilities.max(axis=1)
        return confidence


def predict_validation_split(
    model_dir: str, examples_dir: str, height: int, width: int
) -> Predictions:
    """Classify the validation split with an exported model, as a client of the server would.

    Args:
      model_dir: a SavedModel with the signature `serving_default`.
      examples_dir: the output of SpectrogramExampleGen.
      height: time steps of the stored spectrograms.
      width: frequency channels of the stored spectrograms.
    """
    signature = tf.saved_model.load(model_dir).signatures["serving_default"]
    (argument,) = signature.structured_input_signature[1]
    features = {
        example_features.IMAGE: tf.io.FixedLenFeature([], tf.string),
        example_features.LABEL: tf.io.FixedLenFeature([], tf.int64),
        example_features.FILE: tf.io.FixedLenFeature([], tf.string),
        example_features.ROW: tf.io.FixedLenFeature([], tf.int64),
    }
    records = read_records([files.join(examples_dir, "Split-validation", "*")])
    batches = []
    for serialised in tf.data.Dataset.from_tensor_slices(records.serialised).batch(_BATCH):
        parsed = tf.io.parse_example(serialised, features)
        pixels = tf.io.decode_raw(parsed[example_features.IMAGE], tf.uint8)
        batches.append(
            (
                parsed[example_features.LABEL].numpy(),
                signature(**{argument: serialised})["probabilities"].numpy(),
                tf.reshape(pixels, [-1, height, width]).numpy(),
                parsed[example_features.FILE].numpy().astype(str),
                parsed[example_features.ROW].numpy(),
            )
        )
    return Predictions(*map(np.concatenate, zip(*batches, strict=True)))
