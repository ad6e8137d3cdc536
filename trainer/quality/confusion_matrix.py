"""The confusion matrix as a Keras metric."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops


class ConfusionMatrix(keras.metrics.Metric):
    """Counts decisions by class while Keras validates, without a second pass over the images.

    Keras's logs hold scalars. The scalar of this metric is the lowest recall of any class, which
    the accuracy can hide and which must reach a threshold before a model is pushed. `counts`
    returns the matrix itself, after validation and before the next epoch begins.

    The metric stores sums, so the replicas of a distributed run add up to the whole split.
    """

    def __init__(self, classes: int, name: str = "lowest_recall") -> None:
        """Create the metric.

        Args:
          classes: number of classes.
          name: name of the scalar in the logs.
        """
        # float32 counts exactly up to 2^24, whatever the precision of the model.
        super().__init__(name=name, dtype="float32")
        self._classes = classes
        self._counts = self.add_variable((classes, classes), "zeros", name="counts")

    def update_state(
        self,
        y_true: tf.Tensor,
        y_pred: tf.Tensor,
        sample_weight: tf.Tensor | None = None,  # noqa: ARG002 - Keras passes it by name
    ) -> None:
        """Count a batch: one-hot labels and probabilities, both [N, classes].

        Weights only apply to the training loss. Each image counts once here.
        """
        actual = ops.one_hot(ops.argmax(y_true, axis=-1), self._classes, dtype="float32")
        predicted = ops.one_hot(ops.argmax(y_pred, axis=-1), self._classes, dtype="float32")
        self._counts.assign_add(ops.matmul(ops.transpose(actual), predicted))

    def result(self) -> tf.Tensor:
        """Return the lowest recall of the classes that occurred; 1 if none has."""
        images = ops.sum(self._counts, axis=1)
        recall = ops.diagonal(self._counts) / ops.maximum(images, 1.0)
        return ops.min(ops.where(images > 0, recall, 1.0))

    def counts(self) -> npt.NDArray[np.int64]:
        """Return int64 [classes, classes]: rows are actual classes, columns are predicted ones.

        With several workers, all of them must call this method, because it sums over them.
        """
        return ops.convert_to_numpy(self._counts).round().astype(np.int64)
