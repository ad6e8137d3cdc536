"""Measures how reliable predicted probabilities are."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Probabilities: TypeAlias = npt.NDArray[np.floating[Any]]
Labels: TypeAlias = npt.NDArray[np.integer[Any]]

BINS = 15

# The least probability in a logarithm, when measuring and when serving.
SMALLEST_PROBABILITY = 1e-12


def measure_reliability(probabilities: Probabilities, labels: Labels) -> dict[str, Any]:
    """Compare the probabilities of a classifier with the truth.

    Args:
      probabilities: float [N, classes], N at least 1.
      labels: int [N], the actual classes.

    Returns:
      A dictionary for JSON: `negative_log_likelihood` in nats per image; `brier_score`, 0 to 2;
      `expected_calibration_error` over `BINS` bins of equal width;
      `expected_calibration_error_equal_mass` over `BINS` bins of equal numbers of images;
      `diagram`, the bins of equal width as `bin_by_confidence` returns them.
    """
    confidence, correct = _compare(probabilities, labels)
    # Bins of equal width put almost all images of a good model into the last bin.
    equal_mass = np.array_split(np.argsort(confidence, kind="stable"), BINS)
    return {
        "negative_log_likelihood": negative_log_likelihood(probabilities, labels),
        "brier_score": brier_score(probabilities, labels),
        "expected_calibration_error": expected_calibration_error(probabilities, labels),
        "expected_calibration_error_equal_mass": _mean_gap(
            _summarise_bins(equal_mass, confidence, correct)
        ),
        "diagram": bin_by_confidence(probabilities, labels),
    }


def expected_calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean distance between confidence and accuracy over bins of equal width.

    Confidence is the greatest probability. Bins are weighted by their number of images (Guo et
    al., 2017, arXiv:1706.04599).

    Args:
      probabilities: float [N, classes].
      labels: int [N], the actual classes.
    """
    return _mean_gap(bin_by_confidence(probabilities, labels))


def bin_by_confidence(probabilities: Probabilities, labels: Labels) -> dict[str, list[Any]]:
    """Sort images by confidence into `BINS` bins of equal width from 0 to 1.

    Args:
      probabilities: float [N, classes].
      labels: int [N], the actual classes.

    Returns:
      For each bin `images`, the number of images; `confidence`, their mean confidence; `accuracy`.
      The last two are None in an empty bin. A bin includes its upper edge.
    """
    confidence, correct = _compare(probabilities, labels)
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    members = [np.flatnonzero(bins == number) for number in range(BINS)]
    return _summarise_bins(members, confidence, correct)


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean of -log of the actual class's probability, in nats.

    Not scikit-learn's `log_loss`: for float32 it clips at 1e-7 instead of `SMALLEST_PROBABILITY`,
    and as float64 it warns that the probabilities of a float32 model do not sum to 1.

    Args:
      probabilities: float [N, classes].
      labels: int [N], the actual classes.
    """
    actual = np.asarray(probabilities, np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(actual, SMALLEST_PROBABILITY)).mean())


def brier_score(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean squared distance from the one-hot label, 0 to 2 (Brier, 1950).

    Args:
      probabilities: float [N, classes].
      labels: int [N], the actual classes.
    """
    actual = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - actual).sum(axis=1).mean())


def _compare(
    probabilities: Probabilities, labels: Labels
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the confidence of each image, and whether its most probable class is right."""
    probabilities = np.asarray(probabilities, np.float64)
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def _summarise_bins(
    members: list[npt.NDArray[np.intp]],
    confidence: npt.NDArray[np.float64],
    correct: npt.NDArray[np.bool_],
) -> dict[str, list[Any]]:
    return {
        "images": [len(rows) for rows in members],
        "confidence": [float(confidence[rows].mean()) if len(rows) else None for rows in members],
        "accuracy": [float(correct[rows].mean()) if len(rows) else None for rows in members],
    }


def _mean_gap(bins: dict[str, list[Any]]) -> float:
    gaps = [
        images * abs(confidence - accuracy)
        for images, confidence, accuracy in zip(*bins.values(), strict=True)
        if images
    ]
    return float(sum(gaps) / sum(bins["images"]))
