"""Fits one temperature that calibrates a model's probabilities.

Probabilities p become softmax(log(p) / T). This is the model's last layer with its logits divided
by T (Guo et al., 2017, arXiv:1706.04599). T above 1 lowers the confidence, T below 1 raises it. The
most probable class never changes.

T is fitted on the validation split, which also selects the epoch and evaluates the model. A single
number cannot overfit much, but metrics after calibration are not metrics of unseen images.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from trainer.quality.reliability import (
    SMALLEST_PROBABILITY,
    Labels,
    Probabilities,
    measure_reliability,
)

# The search needs an interval. Temperatures of trained models are between 0.5 and 5.
LEAST, GREATEST = 0.1, 10.0


def calibrate(
    probabilities: Probabilities,
    labels: Labels,
    fit: bool = True,
    lower: Callable[[Probabilities], Probabilities] = lambda probabilities: probabilities,
) -> dict[str, Any]:
    """Fit a temperature, and measure the probabilities before and after.

    Args:
      probabilities: float [N, classes], the model's own.
      labels: int [N], the actual classes.
      fit: whether to fit a temperature; otherwise the probabilities are only measured.
      lower: what becomes of calibrated probabilities before they are served.

    Returns:
      A dictionary for JSON: `temperature`, None without a fit; `images`, the number of images;
      `before` and `after`, see `trainer.quality.reliability.measure_reliability`, which are equal
      without a fit.
    """
    before = measure_reliability(probabilities, labels)
    if not fit:
        return {"temperature": None, "images": len(labels), "before": before, "after": before}
    temperature = fit_temperature(probabilities, labels)
    served = lower(softmax(_log(probabilities) / temperature, axis=1))
    after = measure_reliability(served, labels)
    return {"temperature": temperature, "images": len(labels), "before": before, "after": after}


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Return the temperature with the lowest negative log-likelihood.

    If every prediction is right, the likelihood rewards any confidence, and the temperature would
    go to 0. To prevent this, one image's worth of label is spread over all classes and images, as
    in Laplace's rule of succession: N right predictions out of N give a confidence of about
    1 - 1/N. With many images, some of them misclassified, the effect is negligible. With two
    images, it keeps the model from becoming certain.

    Args:
      probabilities: float [N, classes].
      labels: int [N]; not every class needs to occur.

    Returns:
      The temperature, from `LEAST` to `GREATEST`.
    """
    logits = _log(probabilities)
    images, classes = logits.shape
    targets = (images * np.eye(classes)[labels] + 1.0 / classes) / (images + 1)

    def compute_loss(log_temperature: float) -> float:
        return float(-(targets * log_softmax(logits / np.exp(log_temperature), axis=1)).sum())

    # The search is over log T, so that T = 2 and T = 1/2 are equally far from T = 1. The likelihood
    # has a single maximum, because it is concave in 1/T.
    bounds = (np.log(LEAST), np.log(GREATEST))
    return float(np.exp(minimize_scalar(compute_loss, bounds=bounds, args=(), method="bounded").x))


def apply_temperature(probabilities: tf.Tensor, temperature: float) -> tf.Tensor:
    """Return softmax(log(p) / T) of float32 [N, classes], for the served graph."""
    return tf.nn.softmax(tf.math.log(tf.maximum(probabilities, SMALLEST_PROBABILITY)) / temperature)


def classify_batches(
    model: keras.Model, dataset: tf.data.Dataset
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Classify a split.

    Args:
      model: maps the inputs of a batch to probabilities [N, classes].
      dataset: batches of inputs and one-hot labels.

    Returns:
      Probabilities, float32 [N, classes], and labels, int [N].
    """
    probabilities, labels = [], []
    for inputs, one_hot in dataset:
        probabilities.append(model.predict_on_batch(inputs))
        labels.append(one_hot.numpy().argmax(axis=1))
    return np.concatenate(probabilities), np.concatenate(labels)


def _log(probabilities: Probabilities) -> npt.NDArray[np.float64]:
    clipped = np.maximum(np.asarray(probabilities, np.float64), SMALLEST_PROBABILITY)
    logarithms: npt.NDArray[np.float64] = np.log(clipped)
    return logarithms
