"""Recognises images that are unlike the training images: another kind of signal, or no spectrogram.

Their probabilities say little, because a model must choose one of its classes. What the line search
finds in an image is compared with what it found in the training images of each class. The distance
is that of Mahalanobis, which takes into account how the findings vary together (Lee et al., 2018,
arXiv:1807.03888). Unlike there, each class has a covariance of its own, because noise varies less
than signals do.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.covariance import ledoit_wolf

from trainer.models.recipe import PrecomputedLayer

# Fraction of images like the training images that are beyond the limit all the same.
_FALSE_ALARMS = 0.02
# More images of a split would change neither a covariance nor the limit, but take memory.
_MOST_IMAGES = 20_000
# What varies by less in training, in the units of the evidence, may be rounding.
_SMALLEST_DEVIATION = 1e-3
# Added to the variance of a class in every direction, as a fraction of the variance of all training
# images. Smaller differences may be rounding, or chance, and would outweigh the others.
_RIDGE = 0.1
# Of the squared distance. Evidence that is the same in all images has none.
_SMALLEST_LIMIT = 1e-2
# The confidence falls over this range of squared distances beyond the limit.
_DOUBTFUL_RANGE = 0.5
# The most probable class stays the most probable.
_LARGEST_DOUBT = 0.99


@dataclass(frozen=True)
class Outliers:
    """What is known of the evidence in images like the training images.

    Attributes:
      parts: the parts of the model, of which the first computes the evidence.
      means: mean of the evidence in each class, float32 [classes, features], without features that
        are repeated.
      whitening: float32 [classes, features, features]. The squared length of (evidence - mean) @
        whitening is the squared distance from a class, and 1 at the limit.
    """

    parts: PrecomputedLayer
    means: npt.NDArray[np.float32]
    whitening: npt.NDArray[np.float32]

    def measure(self, evidence: tf.Tensor) -> tf.Tensor:
        """Return the squared distance from the nearest class, with the limit at 1: [N, 1].

        Args:
          evidence: float32 [N, features].
        """
        evidence = evidence[:, : self.means.shape[-1]]
        # One class after the other, so that this takes no more memory than the evidence.
        squares = [
            tf.reduce_sum(tf.square(tf.matmul(evidence - mean, whitening)), axis=1, keepdims=True)
            for mean, whitening in zip(self.means, self.whitening, strict=True)
        ]
        return tf.reduce_min(squares, axis=0)

    def lower_confidence(self, probabilities: tf.Tensor, evidence: tf.Tensor) -> tf.Tensor:
        """Make the probabilities of outliers more equal.

        Up to the limit they stay as they are. At 1.5 times the squared distance they are nearly
        equal.

        Args:
          probabilities: float32 [N, classes].
          evidence: float32 [N, features].
        """
        excess = (self.measure(evidence) - 1.0) / _DOUBTFUL_RANGE
        doubt = tf.clip_by_value(excess, 0.0, _LARGEST_DOUBT)
        return probabilities * (1.0 - doubt) + doubt / probabilities.shape[1]


def fit_outliers(
    parts: PrecomputedLayer,
    training: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    validation: npt.NDArray[np.float32],
) -> Outliers | None:
    """Learn the distribution of the evidence from training, and the limit from validation.

    The limit is that of conformal prediction: of new images like those of the validation split, at
    most two of a hundred are expected beyond it.

    Args:
      parts: the parts of the model, of which the first computes the evidence.
      training: evidence in the training images, [N, features].
      labels: the classes of the training images, int [N]. A class without at least two images is
        left out.
      validation: evidence in the validation images, [N, features].

    Returns:
      The distribution; None if the validation split has too few images for the limit.
    """
    features = training.shape[1] - parts.repeated
    training, labels = _thin_out(training[:, :features]).astype(np.float64), _thin_out(labels)
    validation = _thin_out(validation)
    classes = np.flatnonzero(np.bincount(labels) > 1)
    rank = math.ceil((1 - _FALSE_ALARMS) * (len(validation) + 1))
    if rank > len(validation) or not len(classes):
        return None
    deviation = np.maximum(training.std(axis=0), _SMALLEST_DEVIATION)
    fitted = [_fit(training[labels == each] / deviation) for each in classes]
    means = np.stack([mean * deviation for mean, _ in fitted])
    whitening = np.stack([matrix / deviation[:, np.newaxis] for _, matrix in fitted])
    outliers = Outliers(parts, means.astype(np.float32), whitening.astype(np.float32))
    squares = outliers.measure(tf.constant(validation, tf.float32)).numpy().ravel()
    limit = max(np.partition(squares, rank - 1)[rank - 1], _SMALLEST_LIMIT)
    return dataclasses.replace(outliers, whitening=outliers.whitening / np.float32(limit**0.5))


def _thin_out(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return every n-th of the values [N, ...], so that at most `_MOST_IMAGES` are left."""
    return values[:: max(1, -(-len(values) // _MOST_IMAGES))]


def _fit(evidence: npt.NDArray[np.float64]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the mean of float [N, features], and the matrix that whitens what is around it."""
    mean = evidence.mean(axis=0)
    covariance, _ = ledoit_wolf(evidence - mean, assume_centered=True)
    return mean, np.linalg.cholesky(np.linalg.inv(covariance + _RIDGE * np.eye(len(covariance))))
