"""The weight of each class in the loss."""

import numpy as np
import pytest

from trainer.fitting.class_weights import get_class_weights

CLASSES = ["a", "b", "c"]


def read_labels():
    return np.array([0] * 6 + [1] * 3 + [2] * 1)


def test_balanced_classes_have_the_same_total_weight():
    weights = get_class_weights("balanced", CLASSES, read_labels)
    sums = [weights[label] * count for label, count in enumerate((6, 3, 1))]
    assert sums == pytest.approx([10 / 3] * 3)


def test_a_class_without_images_gets_no_balanced_weight():
    assert set(get_class_weights("balanced", CLASSES, lambda: np.array([0, 2]))) == {0, 2}


def test_classes_that_are_not_named_have_weight_1():
    assert get_class_weights({"c": 2}, CLASSES, read_labels) == {0: 1.0, 1: 1.0, 2: 2.0}


def test_without_a_setting_there_are_no_weights():
    assert get_class_weights(None, CLASSES, read_labels) is None
