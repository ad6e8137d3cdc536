"""Measures how reliable predicted probabilities are."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Probabilities: TypeAlias = npt.NDArray[np.floating[Any]]
Labels: TypeAlias = npt.NDArray[np.integer[Any]]

BINS = 15

# Smaller probabilities are raised to this one before a logarithm, in measuring and in serving.
SMALLEST_PROBABILITY = 1e-12


def measure_reliability(probabilities: Probabilities, labels: Labels) -> dict[str, Any]:
    """Compare the probabilities of a classifier with the truth.

    Confidence is the greatest probability of an image.

    Args:
      probabilities: float [N, classes], N at least 1.
      labels: int [N], the actual classes.

    Returns:
      A dictionary for JSON:

      * `negative_log_likelihood`: mean of -log of the actual class's probability, in nats.
      * `brier_score`: mean squared distance from the one-hot label, 0 to 2 (Brier, 1950).
      * `expected_calibration_error`: mean distance between confidence and accuracy over `BINS`
        bins of equal width, weighted by images (Guo et al., 2017, arXiv:1706.04599).
      * `expected_calibration_error_equal_mass`: the same over bins of equal numbers of images.
      * `diagram`: for each bin of equal width `images`, the number of images; `confidence`, their
        mean confidence; `accuracy`. The last two are None in an empty bin. A bin includes its
        upper edge.
    """
    probabilities = np.asarray(probabilities, np.float64)
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    numbers = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    equal_width = [np.flatnonzero(numbers == number) for number in range(BINS)]
    # Bins of equal width put almost all images of a good model into the last bin.
    equal_mass = np.array_split(np.argsort(confidence, kind="stable"), BINS)
    diagram = _summarise_bins(equal_width, confidence, correct)
    # Not scikit-learn's log_loss: it clips float32 at 1e-7 and, in float64, warns that a model's
    # float32 probabilities do not sum to 1.
    likelihood = np.maximum(probabilities[np.arange(len(labels)), labels], SMALLEST_PROBABILITY)
    distance = np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(axis=1)
    return {
        "negative_log_likelihood": float(-np.log(likelihood).mean()),
        "brier_score": float(distance.mean()),
        "expected_calibration_error": _mean_gap(diagram),
        "expected_calibration_error_equal_mass": _mean_gap(
            _summarise_bins(equal_mass, confidence, correct)
        ),
        "diagram": diagram,
    }


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
