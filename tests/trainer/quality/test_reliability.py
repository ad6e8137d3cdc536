"""The reliability of probabilities, compared with values calculated by hand."""

import math

import numpy as np
import pytest

from trainer.quality.reliability import measure_reliability

PROBABILITIES = np.array([[0.9, 0.1], [0.92, 0.08], [0.35, 0.65], [0.4, 0.6]])
LABELS = np.array([0, 1, 1, 1])
METRICS = measure_reliability(PROBABILITIES, LABELS)


def test_the_expected_calibration_error_is_the_mean_gap_over_images():
    # Bins have width 1/15: 0.9 and 0.92 share the 14th, 0.65 is in the 10th, 0.6 in the 9th.
    gaps = [2 * abs(0.91 - 0.5), abs(0.65 - 1.0), abs(0.6 - 1.0)]
    assert METRICS["expected_calibration_error"] == pytest.approx(sum(gaps) / 4)


def test_the_bins_give_number_confidence_and_accuracy():
    bins = METRICS["diagram"]
    assert bins["images"] == [0] * 8 + [1, 1, 0, 0, 0, 2, 0]
    assert bins["confidence"][13] == pytest.approx(0.91)
    assert (bins["accuracy"][13], bins["accuracy"][9], bins["accuracy"][0]) == (0.5, 1.0, None)


def test_a_confidence_of_1_is_in_the_last_bin():
    metrics = measure_reliability(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1, 0]))
    assert metrics["diagram"]["images"] == [0] * 14 + [2]
    assert metrics["expected_calibration_error"] == 1.0


def test_bins_of_equal_numbers_split_one_bin_of_equal_width():
    # All images are in the last bin of equal width, in which both halves cancel each other.
    confidence = np.repeat([0.94, 0.98], 15)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.repeat([0, 0], 15)
    labels[15] = 1
    metrics = measure_reliability(probabilities, labels)
    assert metrics["expected_calibration_error"] == pytest.approx(abs(0.96 - 29 / 30))
    # 15 bins of two images. One is half right, and another has one image of each confidence.
    assert metrics["expected_calibration_error_equal_mass"] > 2 * abs(0.96 - 29 / 30)


def test_brier_score_and_likelihood_follow_their_formulas():
    squares = [2 * 0.1**2, 2 * 0.92**2, 2 * 0.35**2, 2 * 0.4**2]
    assert METRICS["brier_score"] == pytest.approx(np.mean(squares))
    logs = [math.log(p) for p in (0.9, 0.08, 0.65, 0.6)]
    assert METRICS["negative_log_likelihood"] == pytest.approx(-np.mean(logs))


def test_a_probability_of_0_for_the_actual_class_has_a_finite_likelihood():
    metrics = measure_reliability(np.array([[1.0, 0.0]]), np.array([1]))
    assert metrics["negative_log_likelihood"] == pytest.approx(-math.log(1e-12))
