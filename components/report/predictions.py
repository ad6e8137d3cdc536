"""What the exported model answered for each spectrogram that measures it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.evaluator.served.record import read_probabilities
from data import example_features
from data.storage import files
from trainer.inputs.records import Records, read_records


class Images(Protocol):
    """Grey levels of spectrograms by their number, uint8 [height, width] each."""

    def __getitem__(self, number: int, /) -> NDArray[np.uint8]:
        """Return a spectrogram."""


@dataclass(frozen=True)
class StoredImages:
    """Grey levels of stored spectrograms. One is read at a time.

    Attributes:
      records: the examples.
      height: time steps.
      width: frequency channels.
    """

    records: Records
    height: int
    width: int

    def __getitem__(self, number: int, /) -> NDArray[np.uint8]:
        """Return the spectrogram of an example, uint8 [height, width]."""
        feature = {example_features.IMAGE: tf.io.FixedLenFeature([], tf.string)}
        parsed = tf.io.parse_example(self.records.read(tf.constant([number])), feature)
        levels = np.frombuffer(parsed[example_features.IMAGE].numpy()[0], np.uint8)
        return levels.reshape(self.height, self.width)


@dataclass(frozen=True)
class Predictions:
    """Outputs of the served signature, in the order of the stored examples.

    Attributes:
      labels: int [N], index of the actual class.
      probabilities: float32 [N, classes], as they are served.
      images: N spectrograms.
      files: str [N], the file of each spectrogram, relative to the data folder.
      rows: int [N], its 1-based row in the file.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    images: Images
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


def read_predictions(evaluation_dir: str, split_dir: str, height: int, width: int) -> Predictions:
    """Read the answers of the exported model for a split, which the Evaluator asked it for.

    Args:
      evaluation_dir: the output `evaluation` of the Evaluator.
      split_dir: the folder of the evaluated split in the output of SpectrogramExampleGen.
      height: time steps of the stored spectrograms.
      width: frequency channels of the stored spectrograms.
    """
    features = {
        example_features.LABEL: tf.io.FixedLenFeature([], tf.int64),
        example_features.FILE: tf.io.FixedLenFeature([], tf.string),
        example_features.ROW: tf.io.FixedLenFeature([], tf.int64),
    }
    records = read_records([files.join(split_dir, "*")])
    parsed = [tf.io.parse_example(block, features) for block in records.read_blocks()]
    labels, names, rows = (
        np.concatenate([block[name].numpy() for block in parsed]) for name in features
    )
    return Predictions(
        labels,
        read_probabilities(evaluation_dir),
        StoredImages(records, height, width),
        names.astype(str),
        rows,
    )
