"""The sentences that describe failed thresholds."""

import math

import pytest
from tensorflow_model_analysis.proto import validation_result_pb2

from components.evaluator.failed_thresholds import describe_failure


def failure(name: str, value: float, bound: float):
    failure = validation_result_pb2.ValidationFailure()
    failure.metric_key.name = name
    failure.metric_value.double_value.value = value
    failure.metric_threshold.value_threshold.lower_bound.value = bound
    return failure


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "balanced_accuracy",
            0.85,
            "balanced accuracy is 0.8500, 0.0500 below thresholds.balanced_accuracy = 0.9",
        ),
        ("accuracy", 0.85, "accuracy is 0.8500, 0.0500 below thresholds.accuracy = 0.9"),
        (
            "precision_narrow_band",
            0.4,
            "precision of narrow_band is 0.4000, 0.5000 below thresholds.class_precision = 0.9",
        ),
        (
            "precision_noise",
            math.nan,
            "precision of noise is undefined (the class was never predicted), but "
            "thresholds.class_precision is 0.9",
        ),
        (
            "recall_noise",
            math.nan,
            (
                "recall of noise is undefined (the class has no images), but "
                "thresholds.class_recall is 0.9"
            ),
        ),
    ],
)
def test_a_missed_bound_is_described_with_value_and_distance(name, value, sentence):
    assert describe_failure(failure(name, value, bound=0.9)) == sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "accuracy",
            "accuracy is 0.0300 below the baseline's, more than the 0.01 allowed "
            "(thresholds.baseline_margin)",
        ),
        (
            "lowest_recall",
            "the lowest recall of a class is 0.0300 below the baseline's, more than the 0.01 "
            "allowed (thresholds.baseline_recall_margin)",
        ),
    ],
)
def test_a_model_below_the_baseline_is_described_with_the_difference(name, sentence):
    worse = failure(name, -0.03, bound=0)
    worse.metric_key.is_diff = True
    worse.metric_threshold.change_threshold.absolute.value = -0.01
    assert describe_failure(worse) == sentence


def test_a_model_that_predicts_one_class_is_described_with_the_number_of_classes():
    sentence = "the model predicts only 1 of the classes, but must predict at least 2"
    assert describe_failure(failure("predicted_classes", 1, bound=2 - 1e-9)) == sentence
