"""How far predicted probabilities can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np

BINS = 15

# What a probability of 0 counts as in a logarithm; one place for measuring and serving.
SMALLEST_PROBABILITY = 1e-12


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Measure the probabilities of a classifier against the truth.

    Args:
      probabilities: float [N, classes], N at least 1.
      labels: int [N], the actual class.

    Returns:
      What JSON can hold: `negative_log_likelihood` in nats an image; `brier_score`, the squared
      distance from the one-hot label, 0 to 2 (Brier, 1950); `expected_calibration_error` over
      `BINS` bins of equal width and `expected_calibration_error_equal_mass` over as many of equal
      numbers; `diagram`, the equal-width bins as `confidence_bins` gives them.
    """
    confidence, right = _confidence(probabilities, labels)
    diagram = confidence_bins(probabilities, labels)
    return {
        "negative_log_likelihood": negative_log_likelihood(probabilities, labels),
        "brier_score": brier_score(probabilities, labels),
        "expected_calibration_error": expected_calibration_error(probabilities, labels),
        "expected_calibration_error_equal_mass": _gap(_bins_of_equal_mass(confidence, right)),
        "diagram": diagram,
    }


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean distance between confidence and accuracy over bins of equal width.

    Confidence is the greatest probability. Bins count by the images in them (Guo et al., 2017,
    arXiv:1706.04599).

    Args:
      probabilities: float [N, classes].
      labels: int [N].
    """
    return _gap(confidence_bins(probabilities, labels))


def confidence_bins(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, list]:
    """Sort images by confidence into `BINS` bins of equal width from 0 to 1.

    Args:
      probabilities: float [N, classes].
      labels: int [N].

    Returns:
      By bin `images`, their mean `confidence` and their `accuracy`; None in a bin without any.
      A bin holds its upper edge.
    """
    confidence, right = _confidence(probabilities, labels)
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    members = [np.flatnonzero(bins == number) for number in range(BINS)]
    return _in_bins(members, confidence, right)


def negative_log_likelihood(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean of -log of the actual class's probability, in nats.

    Args:
      probabilities: float [N, classes].
      labels: int [N].
    """
    actual = np.asarray(probabilities, np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(actual, SMALLEST_PROBABILITY)).mean())


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean squared distance of the probabilities from the one-hot label, 0 to 2.

    Args:
      probabilities: float [N, classes].
      labels: int [N].
    """
    actual = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - actual).sum(axis=1).mean())


def _confidence(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The greatest probability of each image, and whether it is the actual class's."""
    probabilities = np.asarray(probabilities, np.float64)
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def _bins_of_equal_mass(confidence: np.ndarray, right: np.ndarray) -> dict[str, list]:
    # Bins of equal width leave nearly all images of a good model to the last one.
    return _in_bins(np.array_split(np.argsort(confidence, kind="stable"), BINS), confidence, right)


def _in_bins(
    members: list[np.ndarray], confidence: np.ndarray, right: np.ndarray
) -> dict[str, list]:
    return {
        "images": [len(of) for of in members],
        "confidence": [float(confidence[of].mean()) if len(of) else None for of in members],
        "accuracy": [float(right[of].mean()) if len(of) else None for of in members],
    }


def _gap(bins: dict[str, list]) -> float:
    filled = [
        (images, abs(confidence - accuracy))
        for images, confidence, accuracy in zip(*bins.values(), strict=True)
        if images
    ]
    return float(sum(images * gap for images, gap in filled) / sum(bins["images"]))
