"""The confusion matrix as a Keras metric."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops


class ConfusionMatrix(keras.metrics.Metric):
    """Counts decisions by class while Keras validates, at no second pass over the images.

    Keras's logs hold scalars, so the metric's value there is the lowest recall of any class: the
    figure that an accuracy hides, and that a model must reach to be pushed. The matrix itself is
    read by `counts`, after validation and before the next epoch begins.

    It holds sums, so that replicas of a distributed run add up to the matrix of the whole split.
    """

    def __init__(self, classes: int, name: str = "lowest_recall"):
        """Constructs the metric.

        Args:
          classes: number of classes.
          name: of the scalar in the logs.
        """
        # Counts stay exact up to 2^24 in float32, whatever precision the model computes in.
        super().__init__(name=name, dtype="float32")
        self._classes = classes
        self._counts = self.add_variable((classes, classes), "zeros", name="counts")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count a batch: one-hot labels and probabilities, both [N, classes].

        Weights say what an image counts for in training. Here each counts once.
        """
        actual = ops.one_hot(ops.argmax(y_true, axis=-1), self._classes, dtype="float32")
        predicted = ops.one_hot(ops.argmax(y_pred, axis=-1), self._classes, dtype="float32")
        self._counts.assign_add(ops.matmul(ops.transpose(actual), predicted))

    def result(self):
        """Return the lowest recall of the classes that occurred; 1 if none has."""
        images = ops.sum(self._counts, axis=1)
        recall = ops.diagonal(self._counts) / ops.maximum(images, 1.0)
        return ops.min(ops.where(images > 0, recall, 1.0))

    def counts(self) -> np.ndarray:
        """Return int64 [classes, classes], rows the actual class, columns the predicted one.

        In a run of several workers all of them must ask, since the sum is taken over them.
        """
        return ops.convert_to_numpy(self._counts).round().astype(np.int64)
