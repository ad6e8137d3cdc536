"""AUC and average precision against scikit-learn, and their intervals."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from components.evaluator.ranking import ranking

CLASSES = 3


def predictions(examples, digits, seed=0):
    """Predictions of a middling model, more or less rounded, so that many or few tie."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(CLASSES, examples, p=[0.6, 0.3, 0.1])
    evidence = rng.normal(size=(examples, CLASSES)) + 2 * np.eye(CLASSES)[labels]
    probabilities = np.exp(3 * evidence) / np.exp(3 * evidence).sum(axis=1, keepdims=True)
    return labels, np.round(probabilities, digits).astype(np.float32)


@pytest.mark.parametrize("digits", [1, 2, 7])
def test_figures_are_scikit_learns_ties_included(digits):
    labels, probabilities = predictions(400, digits)
    found, one_hot = ranking(labels, probabilities), np.eye(CLASSES)[labels]
    np.testing.assert_allclose(
        found.auc, roc_auc_score(one_hot, probabilities, average=None), rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(
        found.average_precision,
        average_precision_score(one_hot, probabilities, average=None),
        rtol=0,
        atol=1e-12,
    )
    for average in ("macro", "weighted"):
        means = getattr(found, average)
        expected = roc_auc_score(one_hot, probabilities, average=average)
        assert means["auc"][0] == pytest.approx(expected, abs=1e-12)
        expected = average_precision_score(one_hot, probabilities, average=average)
        assert means["average_precision"][0] == pytest.approx(expected, abs=1e-12)


def test_the_order_of_examples_changes_nothing():
    labels, probabilities = predictions(300, 2)
    shuffled = np.random.default_rng(1).permutation(300)
    one, other = ranking(labels, probabilities), ranking(labels[shuffled], probabilities[shuffled])
    np.testing.assert_array_equal(one.auc_interval, other.auc_interval)
    assert one.macro == other.macro


def test_there_is_no_auc_where_all_examples_are_of_one_class():
    found = ranking(np.zeros(5, int), np.full((5, CLASSES), 1 / 3, np.float32))
    assert np.isnan(found.auc).all()
    assert np.isnan(found.macro["auc"][0])


def test_a_faultless_ranking_has_no_interval():
    labels = np.repeat(np.arange(CLASSES), 20)
    found = ranking(labels, np.eye(CLASSES, dtype=np.float32)[labels])
    assert found.auc.tolist() == [1, 1, 1]
    assert np.isnan(found.auc_interval).all()
    assert np.isnan(found.average_precision_interval).all()


def test_intervals_hold_the_figure_of_very_many_examples():
    labels, probabilities = predictions(200_000, 7, seed=9)
    one_hot = np.eye(CLASSES)[labels]
    unlimited = roc_auc_score(one_hot, probabilities, average=None)
    held = np.zeros(CLASSES)
    for seed in range(60):
        lower, upper = ranking(*predictions(400, 7, seed)).auc_interval.T
        held += (lower <= unlimited) & (unlimited <= upper)
    # A bootstrap of a figure near 1 is a little narrow; 60 draws of 0.95 have a deviation of 1.7.
    assert (held >= 51).all(), held
