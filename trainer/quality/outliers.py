"""Recognises images that are unlike the training images: another kind of signal, or no spectrogram.

Their probabilities say little, because a model must choose one of its classes. What the line search
finds in an image is compared with what it found in the training images: the distance is that of
Mahalanobis, which takes into account how the findings vary together (Lee et al., 2018,
arXiv:1807.03888).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.covariance import ledoit_wolf

from trainer.models.recipe import PrecomputedLayer

# Fraction of images like the training images that are beyond the limit all the same.
_FALSE_ALARMS = 0.01
# More training images would not change the covariance, but take memory.
_MOST_IMAGES = 20_000
# What varies by less in training, in the units of the evidence, may be rounding.
_SMALLEST_DEVIATION = 1e-3
# Added to each variance, in squared standard deviations. What two findings differ by in training
# may be rounding, too.
_RIDGE = 1e-2
# Of the squared distance. Evidence that is the same in all images has none.
_SMALLEST_LIMIT = 1e-2
# The most probable class stays the most probable.
_LARGEST_DOUBT = 0.99


@dataclass(frozen=True)
class Outliers:
    """What is known of the evidence in images like the training images.

    Attributes:
      parts: the parts of the model, of which the first computes the evidence.
      mean: mean of the evidence, float32 [features], without features that are repeated.
      whitening: float32 [features, features]. The squared length of (evidence - mean) @ whitening
        is the squared distance, and 1 at the limit.
    """

    parts: PrecomputedLayer
    mean: npt.NDArray[np.float32]
    whitening: npt.NDArray[np.float32]

    def measure(self, evidence: tf.Tensor) -> tf.Tensor:
        """Return the squared distance of float32 [N, features], with the limit at 1: [N, 1]."""
        departures = tf.matmul(evidence[:, : len(self.mean)] - self.mean, self.whitening)
        return tf.reduce_sum(tf.square(departures), axis=1, keepdims=True)

    def lower_confidence(self, probabilities: tf.Tensor, evidence: tf.Tensor) -> tf.Tensor:
        """Make the probabilities of outliers more equal.

        Up to the limit they stay as they are. At twice the squared distance they are nearly equal.

        Args:
          probabilities: float32 [N, classes].
          evidence: float32 [N, features].
        """
        doubt = tf.clip_by_value(self.measure(evidence) - 1.0, 0.0, _LARGEST_DOUBT)
        return probabilities * (1.0 - doubt) + doubt / probabilities.shape[1]


def fit_outliers(
    parts: PrecomputedLayer, training: npt.NDArray[np.float32], validation: npt.NDArray[np.float32]
) -> Outliers | None:
    """Learn the distribution of the evidence from training, and the limit from validation.

    The limit is that of conformal prediction: of new images like those of the validation split, at
    most one of a hundred is expected beyond it.

    Args:
      parts: the parts of the model, of which the first computes the evidence.
      training: evidence in the training images, [N, features].
      validation: evidence in the validation images, [N, features].

    Returns:
      The distribution; None if the validation split has too few images for the limit.
    """
    rank = math.ceil((1 - _FALSE_ALARMS) * (len(validation) + 1))
    if rank > len(validation):
        return None
    features = training.shape[1] - parts.repeated
    training, validation = training[:, :features], validation[:, :features]
    training = training[:: -(-len(training) // _MOST_IMAGES)].astype(np.float64)
    mean = training.mean(axis=0)
    deviation = np.maximum(training.std(axis=0), _SMALLEST_DEVIATION)
    covariance, _ = ledoit_wolf((training - mean) / deviation, assume_centered=True)
    precision = np.linalg.inv(covariance + _RIDGE * np.eye(len(covariance)))
    whitening = np.linalg.cholesky(precision) / deviation[:, np.newaxis]
    squares = np.square((validation - mean) @ whitening).sum(axis=1)
    limit = max(np.partition(squares, rank - 1)[rank - 1], _SMALLEST_LIMIT)
    whitening /= np.sqrt(limit)
    return Outliers(parts, mean.astype(np.float32), whitening.astype(np.float32))
