"""How much images of each class count."""

import numpy as np
import pytest

from trainer.fitting.class_weights import get_class_weights

CLASSES = ["a", "b", "c"]


def labels():
    return np.array([0] * 6 + [1] * 3 + [2] * 1)


def test_balanced_classes_count_the_same_in_sum():
    weights = get_class_weights("balanced", CLASSES, labels)
    sums = [weights[label] * count for label, count in enumerate((6, 3, 1))]
    assert sums == pytest.approx([10 / 3] * 3)


def test_a_class_without_images_has_no_weight_to_be_found():
    assert set(get_class_weights("balanced", CLASSES, lambda: np.array([0, 2]))) == {0, 2}


def test_classes_that_are_not_named_count_once():
    assert get_class_weights({"c": 2}, CLASSES, labels) == {0: 1.0, 1: 1.0, 2: 2.0}


def test_without_a_setting_all_images_count_alike():
    assert get_class_weights(None, CLASSES, labels) is None
