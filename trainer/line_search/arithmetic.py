"""Functions that TensorFlow lacks, or that TensorFlow Lite needs in another form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

_IS_LITE = ContextVar("TensorFlow Lite", default=False)


@contextmanager
def lite_operations() -> Iterator[None]:
    """Trace a model with operations that TensorFlow Lite has. They take longer."""
    token = _IS_LITE.set(True)
    try:
        yield
    finally:
        _IS_LITE.reset(token)


def uses_lite_operations() -> bool:
    """Return whether a model is being traced with operations that TensorFlow Lite has."""
    return _IS_LITE.get()


def asinh(values: tf.Tensor) -> tf.Tensor:
    """Return the inverse hyperbolic sine."""
    if not _IS_LITE.get():
        return tf.asinh(values)
    size = tf.abs(values)
    return tf.sign(values) * tf.math.log(size + tf.sqrt(size * size + 1.0))


def sum_rows(table: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Add up rows of a table.

    Args:
      table: float32 [rows, N].
      places: the rows of each sum, int32 [sums, rows of a sum].

    Returns:
      float32 [sums, N].
    """
    if _IS_LITE.get():
        return tf.add_n([tf.gather(table, rows) for rows in tf.unstack(places, axis=1)])
    count, of_a_sum = places.shape
    segments = tf.range(count * of_a_sum) // of_a_sum
    return tf.sparse.segment_sum(table, tf.reshape(places, [-1]), segments)


def sum_over_time(weights: npt.NDArray[np.float32], rows: tf.Tensor) -> tf.Tensor:
    """Return weighted sums of the rows of spectrograms.

    A product of two matrices takes less time than one product for each spectrogram.

    Args:
      weights: float32 [sums, H].
      rows: float32 [N, H, W].

    Returns:
      float32 [sums, N, W].
    """
    if _IS_LITE.get():
        # The interpreter of TensorFlow 2.21 refuses the shape that its converter gives to a product
        # for all spectrograms.
        return tf.transpose(tf.matmul(weights, rows), [1, 0, 2])
    height, width = rows.shape[1:]
    columns = tf.reshape(tf.transpose(rows, [1, 0, 2]), [height, -1])
    return tf.reshape(tf.matmul(weights, columns), [len(weights), -1, width])


def replace_where(mask: tf.Tensor, values: Any, compute: Callable[[tf.Tensor], Any]) -> Any:
    """Replace the values of some images, without computing those of the others.

    Args:
      mask: bool [N], which images.
      values: a tensor or tensors of shape [N, ...].
      compute: returns the new values, [M, ...], of the images with these numbers, int32 [M].
    """
    if _IS_LITE.get():
        everything = compute(tf.range(tf.shape(mask)[0]))

        def select(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
            return tf.where(tf.reshape(mask, [-1] + [1] * (len(old.shape) - 1)), new, old)

        return tf.nest.map_structure(select, everything, values)
    chosen = tf.cast(tf.where(mask), tf.int32)

    def replace() -> Any:
        return tf.nest.map_structure(
            lambda new, old: tf.tensor_scatter_nd_update(old, chosen, new),
            compute(chosen[:, 0]),
            values,
        )

    return tf.cond(tf.size(chosen) > 0, replace, lambda: values)


def moments(values: tf.Tensor, axes: Sequence[int]) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and variance over axes, which stay with length 1.

    `tf.nn.moments` subtracts the mean first, which takes several times as long. The mean must not
    exceed the standard deviation by so much that float32 cannot hold their squares.
    """
    mean = tf.reduce_mean(values, axes, keepdims=True)
    square = tf.reduce_mean(tf.square(values), axes, keepdims=True)
    return mean, tf.nn.relu(square - tf.square(mean))
