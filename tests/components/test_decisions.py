"""Accuracy, precision and recall of a decision, against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score

from components.evaluator import decisions

CLASSES = 4


@pytest.fixture(scope="module")
def labels():
    rng = np.random.default_rng(0)
    actual = rng.integers(0, CLASSES, 500)
    return actual, np.where(rng.random(500) < 0.7, actual, rng.integers(0, CLASSES, 500))


@pytest.fixture(scope="module")
def counts(labels):
    matrix = confusion_matrix(*labels)
    return {index: float(matrix[index]) for index in np.ndindex(matrix.shape) if matrix[index]}


def test_accuracy_is_scikit_learns(labels, counts):
    assert decisions.accuracy(counts) == pytest.approx(accuracy_score(*labels), abs=1e-12)


@pytest.mark.parametrize("class_id", range(CLASSES))
def test_precision_and_recall_are_scikit_learns(labels, counts, class_id):
    of_class = {"labels": [class_id], "average": None}
    (precision,), (recall,) = (
        precision_score(*labels, **of_class),
        recall_score(*labels, **of_class),
    )
    assert decisions.precision(counts, class_id) == pytest.approx(precision, abs=1e-12)
    assert decisions.recall(counts, class_id) == pytest.approx(recall, abs=1e-12)


def test_precision_of_a_class_that_was_never_predicted_is_undefined():
    assert math.isnan(decisions.precision({(0, 1): 3.0}, 0))
    assert decisions.recall({(0, 1): 3.0}, 0) == 0.0
