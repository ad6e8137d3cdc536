"""One temperature that makes a network's probabilities mean what they say.

Probabilities p become softmax(log(p) / T), which is the network's last layer with its logits
divided by T (Guo et al., 2017, arXiv:1706.04599). Above 1 it makes them less sure, below 1 surer;
which class is the most probable never changes.

T is fitted on the validation split, which has chosen the epoch and judges the model too: it is one
number, so it can flatter little, but figures after calibration are not of unseen images.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from trainer.quality.reliability import SMALLEST_PROBABILITY, reliability

# A search needs an interval. Trained networks are found between 0.5 and 5.
LEAST, GREATEST = 0.1, 10.0


def calibrate(probabilities: np.ndarray, labels: np.ndarray, wanted: bool = True) -> dict[str, Any]:
    """Fit a temperature, and measure the probabilities before and after.

    Args:
      probabilities: float [N, classes], the network's own.
      labels: int [N], the actual class.
      wanted: False only measures.

    Returns:
      What JSON can hold: `temperature`, None where none is wanted; `images`, how many it was
      fitted on; `before` and `after`, see `trainer.quality.reliability.reliability`, which are the same
      where none is wanted.
    """
    before = reliability(probabilities, labels)
    if not wanted:
        return {"temperature": None, "images": len(labels), "before": before, "after": before}
    temperature = fit_temperature(probabilities, labels)
    after = reliability(softmax(_log(probabilities) / temperature, axis=1), labels)
    return {"temperature": temperature, "images": len(labels), "before": before, "after": after}


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature of least negative log-likelihood.

    Where every prediction is right, no confidence is too much for the likelihood, and the
    temperature would go to 0. So that it does not, one image's worth of label is spread over all
    classes and images, as in Laplace's rule of succession: N right out of N make a model about
    1 - 1/N sure, and not certain. Among many images, some of them wrong, that weighs next to
    nothing; two images teach little, and may not make a model sure of anything.

    Args:
      probabilities: float [N, classes].
      labels: int [N]; not every class need be among them.

    Returns:
      From `LEAST` to `GREATEST`.
    """
    logits = _log(probabilities)
    images, classes = logits.shape
    targets = (images * np.eye(classes)[labels] + 1.0 / classes) / (images + 1)

    def loss(log_temperature: float) -> float:
        return -(targets * log_softmax(logits / np.exp(log_temperature), axis=1)).sum()

    # By its logarithm, so that twice and half as sure are as far from 1. The likelihood has one
    # maximum: it is concave in 1/T.
    bounds = (np.log(LEAST), np.log(GREATEST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def at_temperature(probabilities: tf.Tensor, temperature: float) -> tf.Tensor:
    """Return softmax(log(p) / T) of float32 [N, classes], for the graph that is served."""
    return tf.nn.softmax(tf.math.log(tf.maximum(probabilities, SMALLEST_PROBABILITY)) / temperature)


def predict(network: keras.Model, dataset: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Classify a split.

    Args:
      network: maps float32 [N, height, width, 1] to probabilities [N, classes].
      dataset: of batches (image, one-hot label).

    Returns:
      Probabilities, float32 [N, classes], and labels, int [N].
    """
    probabilities, labels = [], []
    for images, one_hot in dataset:
        probabilities.append(network.predict_on_batch(images))
        labels.append(one_hot.numpy().argmax(axis=1))
    return np.concatenate(probabilities), np.concatenate(labels)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST_PROBABILITY))
