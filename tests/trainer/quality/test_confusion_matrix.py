"""The confusion matrix that Keras counts during validation."""

import keras
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, recall_score

from trainer.quality.confusion_matrix import ConfusionMatrix


def draw_decisions(classes: int, images: int, seed: int = 0):
    """Return one-hot labels and probabilities, both [images, classes]."""
    rng = np.random.default_rng(seed)
    labels = np.eye(classes, dtype=np.float32)[rng.integers(0, classes, images)]
    return labels, rng.dirichlet(np.ones(classes), images).astype(np.float32)


@pytest.mark.parametrize("classes", [2, 4, 7])
def test_counts_and_lowest_recall_over_several_batches_equal_those_of_scikit_learn(classes):
    labels, probabilities = draw_decisions(classes, 100)
    metric = ConfusionMatrix(classes)
    for start in range(0, 100, 32):
        metric.update_state(labels[start : start + 32], probabilities[start : start + 32])
    actual, predicted = labels.argmax(1), probabilities.argmax(1)
    counts = metric.counts()
    np.testing.assert_array_equal(counts, confusion_matrix(actual, predicted))
    assert counts.dtype == np.int64
    lowest = recall_score(actual, predicted, average=None).min()
    assert float(metric.result()) == pytest.approx(lowest, rel=1e-6)


def test_a_class_that_does_not_occur_has_no_recall():
    metric = ConfusionMatrix(3)
    assert float(metric.result()) == 1.0
    metric.update_state(np.eye(3)[[0, 0, 1]], np.eye(3)[[0, 1, 1]])
    assert float(metric.result()) == 0.5


def test_a_single_predicted_class_fills_one_column():
    metric = ConfusionMatrix(3)
    metric.update_state(np.eye(3)[[0, 1, 1, 2]], np.eye(3)[[1, 1, 1, 1]])
    np.testing.assert_array_equal(metric.counts(), [[0, 1, 0], [0, 2, 0], [0, 1, 0]])
    assert float(metric.result()) == 0.0


def test_after_an_epoch_it_covers_validation_but_not_training():
    labels, _ = draw_decisions(4, 90)
    images = np.random.default_rng(1).normal(size=(90, 5)).astype(np.float32)
    metric = ConfusionMatrix(4)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=[metric], jit_compile=False)
    history = model.fit(
        images, labels, epochs=2, validation_data=(images[:50], labels[:50]), verbose=0
    ).history
    predicted, actual = model.predict(images[:50], verbose=0).argmax(1), labels[:50].argmax(1)
    np.testing.assert_array_equal(metric.counts(), confusion_matrix(actual, predicted))
    assert history["val_lowest_recall"][-1] == pytest.approx(
        recall_score(actual, predicted, average=None).min(), rel=1e-6
    )
