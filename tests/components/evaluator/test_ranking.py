"""AUC and average precision against scikit-learn, and their confidence intervals."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from components.evaluator.ranking import measure_ranking

CLASSES = 3


def predictions(images, digits, seed=0):
    """Predictions of a mediocre model. With few digits many probabilities are equal."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(CLASSES, images, p=[0.6, 0.3, 0.1])
    evidence = rng.normal(size=(images, CLASSES)) + 2 * np.eye(CLASSES)[labels]
    probabilities = np.exp(3 * evidence) / np.exp(3 * evidence).sum(axis=1, keepdims=True)
    return labels, np.round(probabilities, digits).astype(np.float32)


@pytest.mark.parametrize("digits", [1, 2, 7])
def test_values_are_scikit_learns_ties_included(digits):
    labels, probabilities = predictions(400, digits)
    values, one_hot = measure_ranking(labels, probabilities).values, np.eye(CLASSES)[labels]
    for metric, score in enumerate((roc_auc_score, average_precision_score)):
        expected = [
            *score(one_hot, probabilities, average=None),
            score(one_hot, probabilities, average="macro"),
            score(one_hot, probabilities, average="weighted"),
        ]
        np.testing.assert_allclose(values[metric], expected, rtol=0, atol=1e-12)


def test_the_order_of_images_changes_nothing():
    labels, probabilities = predictions(300, 2)
    shuffled = np.random.default_rng(1).permutation(300)
    one = measure_ranking(labels, probabilities)
    other = measure_ranking(labels[shuffled], probabilities[shuffled])
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.intervals, other.intervals)


def test_auc_is_undefined_where_all_images_are_of_one_class():
    values, _ = measure_ranking(np.zeros(5, int), np.full((5, CLASSES), 1 / 3, np.float32))
    assert np.isnan(values[0]).all()


def test_a_perfect_ranking_has_no_interval():
    labels = np.repeat(np.arange(CLASSES), 20)
    values, intervals = measure_ranking(labels, np.eye(CLASSES, dtype=np.float32)[labels])
    assert (values == 1).all()
    assert np.isnan(intervals).all()


def test_intervals_contain_the_value_for_very_many_images():
    labels, probabilities = predictions(200_000, 7, seed=9)
    unlimited = roc_auc_score(np.eye(CLASSES)[labels], probabilities, average=None)
    hits = np.zeros(CLASSES)
    for seed in range(60):
        lower, upper = measure_ranking(*predictions(400, 7, seed)).intervals[0, :CLASSES].T
        hits += (lower <= unlimited) & (unlimited <= upper)
    # The bootstrap interval of a metric near 1 is a little narrow. The number of hits in 60 draws
    # with a probability of 0.95 has a standard deviation of 1.7.
    assert (hits >= 51).all(), hits
