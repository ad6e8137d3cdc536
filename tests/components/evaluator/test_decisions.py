"""Metrics of the decision against scikit-learn, and their confidence intervals."""

import math

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from components.evaluator import decisions
from components.evaluator.confidence_intervals import wilson_interval

CLASSES = 4


def to_counts(matrix):
    return {index: float(matrix[index]) for index in np.ndindex(matrix.shape) if matrix[index]}


@pytest.fixture(scope="module")
def labels():
    rng = np.random.default_rng(0)
    actual = rng.choice(CLASSES, 500, p=[0.5, 0.3, 0.15, 0.05])
    return actual, np.where(rng.random(500) < 0.7, actual, rng.integers(0, CLASSES, 500))


@pytest.fixture(scope="module")
def counts(labels):
    return to_counts(confusion_matrix(*labels))


def test_accuracy_is_scikit_learns(labels, counts):
    assert decisions.accuracy(counts).value == pytest.approx(accuracy_score(*labels), abs=1e-12)


def test_metrics_by_class_are_scikit_learns(labels, counts):
    values = np.array(
        [
            [measure(counts, class_id).value for class_id in range(CLASSES)]
            for measure in (decisions.precision, decisions.recall, decisions.f1)
        ]
    )
    expected = precision_recall_fscore_support(*labels)[:3]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_averages_are_scikit_learns(labels, counts, average):
    values = [
        decisions.average(counts, metric, average == "weighted").value
        for metric in ("precision", "recall", "f1")
    ]
    expected = precision_recall_fscore_support(*labels, average=average)[:3]
    assert values == pytest.approx(expected, abs=1e-12)


def test_the_mean_recall_is_scikit_learns_balanced_accuracy(labels, counts):
    value = decisions.average(counts, "recall").value
    assert value == pytest.approx(balanced_accuracy_score(*labels), abs=1e-12)


def test_the_lowest_recall_is_the_minimum_over_the_classes(counts):
    recalls = [decisions.recall(counts, class_id).value for class_id in range(CLASSES)]
    assert decisions.lowest_recall(counts).value == min(recalls)


def test_precision_of_a_class_that_was_never_predicted_is_undefined():
    counts = {(0, 1): 3.0}
    assert math.isnan(decisions.precision(counts, 0).value)
    assert decisions.recall(counts, 0).value == 0.0


def test_an_undefined_precision_counts_as_zero_in_averages():
    counts = {(0, 1): 3.0, (1, 1): 3.0}
    assert decisions.average(counts, "precision").value == pytest.approx(0.25)
    (lower, upper) = decisions.average(counts, "precision").interval
    assert lower < 0.25 < upper


def test_averages_leave_out_classes_without_images():
    counts = {(0, 0): 9.0, (0, 2): 1.0}
    assert decisions.average(counts, "recall").value == 0.9
    assert math.isnan(decisions.recall(counts, 2).value)


def test_wilsons_interval_equals_the_published_examples():
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_the_interval_of_a_model_without_mistakes_has_a_width():
    counts = {(class_id, class_id): 200.0 for class_id in range(CLASSES)}
    assert decisions.accuracy(counts).interval == pytest.approx((0.9952, 1), abs=5e-5)
    for metric, measure in decisions.CLASS_FUNCTIONS.items():
        lower, upper = measure(counts, 0).interval
        assert 0.98 < lower < 0.991, metric
        assert upper == 1


@pytest.mark.parametrize("quality", [0.7, 0.95, 0.99])
def test_intervals_contain_the_value_for_unlimited_images_19_times_in_20(quality):
    rng = np.random.default_rng(1)
    chances = np.full((CLASSES, CLASSES), (1 - quality) / (CLASSES - 1))
    np.fill_diagonal(chances, quality)
    chances[1, 1], chances[1, 2] = chances[1, 1] - 0.05, chances[1, 2] + 0.05
    unlimited = to_counts((1_000_000 * chances).round())
    measures = {
        "accuracy": decisions.accuracy,
        "recall": lambda counts: decisions.recall(counts, 1),
        "precision": lambda counts: decisions.precision(counts, 2),
        "f1": lambda counts: decisions.f1(counts, 1),
        **{
            f"macro {metric}": lambda counts, metric=metric: decisions.average(counts, metric)
            for metric in ("precision", "recall", "f1")
        },
    }
    expected = {name: measure(unlimited).value for name, measure in measures.items()}
    hits = dict.fromkeys(measures, 0)
    for _ in range(400):
        counts = to_counts(np.array([rng.multinomial(200, row) for row in chances]))
        for name, measure in measures.items():
            lower, upper = measure(counts).interval
            hits[name] += lower <= expected[name] <= upper
    # The fraction of 400 draws with a probability of 0.95 has a standard deviation of 0.011.
    assert all(count / 400 >= 0.91 for count in hits.values()), hits


def test_a_class_counts_as_predicted_if_one_image_is_predicted_as_it():
    assert decisions.predicted_classes({(0, 2): 5.0, (1, 2): 1.0, (1, 0): 1.0}).value == 2
    assert decisions.predicted_classes({(0, 2): 5.0, (1, 2): 1.0, (1, 1): 0.0}).value == 1
