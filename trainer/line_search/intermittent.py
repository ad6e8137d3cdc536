"""Removes carriers that come and go."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.line_search.standard_rows import flatten_band, standardise

# What is searched: sums over an eighth of the time or more, in steps of a sixteenth.
_PARTS = 16
_FEWEST_PARTS = 2
# The sum of a channel over the time of a carrier, in standard deviations. In noise, the greatest
# of all such sums of a spectrogram is 4.3.
_LEAST_SUM = 5.0
# A channel beside a carrier belongs to it if its sum is this large.
_LEAST_SUM_BESIDE = 2.0
# An image has few such carriers, and each pass takes one.
_PASSES = 2
# Paths to compare with: channels on either side of the carrier, and how far a path moves from part
# to part.
_REACH, _MOVE = 16, 3
# A path follows noise as well, and a signal may leave a part of its energy beside the path.
_ADVANTAGE_OF_PATHS = 1.25
# Profile of a line over three channels, so that the noise of their weighted sum is that of one.
_PROFILE = np.array([0.5, 1.0, 0.5]) / np.sqrt(1.5)


@keras.saving.register_keras_serializable("radio_signals")
class WithoutIntermittentCarriers(keras.layers.Layer):
    """Subtracts the mean of a channel during the time in which it stands out.

    A slow signal, too, stays in a channel for a while. Two explanations are therefore compared: a
    carrier during this time and the best path in what is left, or the best path alone. A path may
    move from part to part of the time. The carrier is removed if the first is more likely.

    The layer has no weights and passes no gradient.

    Input: float32 [N, H, W], as `StandardRows` returns it.
    Output: the same without these carriers, and float32 [N, 2]: the sum of the pixels of the
    strongest of them, in standard deviations of noise, and their number.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trainable": False, "dtype": "float32", **options})

    def build(self, shape: tuple[int, ...]) -> None:
        """Lay out parts of the time, and intervals."""
        height = shape[1]
        edges = np.arange(_PARTS + 1) * height / _PARTS
        rows = np.arange(height)
        # How much of each row is in each part: [parts, H].
        inside = np.minimum(edges[1:, None], rows + 1) - np.maximum(edges[:-1, None], rows)
        self._inside = np.clip(inside, 0, None).astype(np.float32)
        self._rows_per_part = height / _PARTS
        first, end = np.array(
            [
                (first, end)
                for first in range(_PARTS)
                for end in range(first + _FEWEST_PARTS, _PARTS + 1)
            ]
        ).T[..., np.newaxis]
        part = np.arange(_PARTS)
        # Rows of unit length: [intervals, parts].
        members = (part >= first) & (part < end)
        self._intervals = (members / np.sqrt(members.sum(axis=1, keepdims=True))).astype(np.float32)

    def call(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Clean a batch."""
        # Sums of each part, in standard deviations of noise: [N, parts, W].
        sums = tf.matmul(self._inside, rows) / np.sqrt(self._rows_per_part)
        removed, strongest, number = [], [], []
        for _ in range(_PASSES):
            carrier, peak = self._find_strongest(sums)
            is_carrier = tf.cast(self._is_carrier(sums, carrier, peak), tf.float32)
            carrier *= is_carrier[:, tf.newaxis, tf.newaxis]
            removed.append(carrier)
            strongest.append(tf.reduce_max(tf.sqrt(tf.reduce_sum(tf.square(carrier), 1)), 1))
            number.append(is_carrier)
            sums -= carrier
        means = tf.add_n(removed) / np.sqrt(self._rows_per_part)
        cleaned = rows - tf.matmul(self._inside, means, transpose_a=True)
        found = tf.stack([tf.reduce_max(strongest, axis=0), tf.add_n(number)], axis=1)
        return standardise(flatten_band(cleaned)), found

    def compute_output_shape(
        self, shape: tuple[int | None, ...]
    ) -> tuple[tuple[int | None, ...], tuple[int | None, int]]:
        """Return [N, H, W] and [N, 2]."""
        return shape, (shape[0], 2)

    def _find_strongest(self, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the interval of a channel that stands out most, with its neighbours.

        Returns:
          Its mean where and while it is, otherwise 0: float32 [N, parts, W]. And its channel,
          int32 [N].
        """
        width = sums.shape[2]
        by_interval = tf.matmul(self._intervals, sums)
        sizes = tf.reshape(tf.abs(by_interval), [-1, len(self._intervals) * width])
        best = tf.argmax(sizes, axis=1, output_type=tf.int32)
        peak = best % width
        during = tf.gather(tf.constant(self._intervals), best // width)
        totals = tf.matmul(during[:, tf.newaxis], sums)[:, 0]
        middle = tf.one_hot(peak, width)
        beside = tf.one_hot(peak - 1, width) + tf.one_hot(peak + 1, width)
        direction = tf.sign(tf.reduce_sum(middle * totals, axis=1, keepdims=True))
        stands_out = tf.cast(totals * direction > _LEAST_SUM_BESIDE, tf.float32)
        totals *= middle + beside * stands_out
        return during[:, :, tf.newaxis] * totals[:, tf.newaxis], peak

    def _is_carrier(self, sums: tf.Tensor, carrier: tf.Tensor, peak: tf.Tensor) -> tf.Tensor:
        """Return whether a carrier explains the sums better than a line that moves: bool [N]."""
        by_channel = tf.reduce_sum(tf.square(carrier), axis=1)
        direction = tf.sign(tf.reduce_sum(carrier, axis=[1, 2]))[:, tf.newaxis, tf.newaxis]
        both = tf.concat([sums, sums - carrier], axis=0) * tf.tile(direction, [2, 1, 1])
        best = tf.square(_sum_best_path(both, tf.tile(peak, [2])))
        with_carrier, without = tf.split(best, 2)
        explained = tf.reduce_sum(by_channel, axis=1) + without
        return (tf.reduce_max(by_channel, axis=1) > _LEAST_SUM**2) & (
            explained > _ADVANTAGE_OF_PATHS * with_carrier
        )


def _sum_best_path(sums: tf.Tensor, peak: tf.Tensor) -> tf.Tensor:
    """Return the greatest sum along a path near a channel, in standard deviations: [N]."""
    margin = _REACH + 1
    padded = tf.transpose(tf.pad(sums, [[0, 0], [0, 0], [margin, margin]]), [0, 2, 1])
    columns = peak[:, tf.newaxis] + tf.range(2 * margin + 1)
    near = tf.gather(padded, columns, batch_dims=1)
    near = near[:, :-2] * _PROFILE[0] + near[:, 1:-1] * _PROFILE[1] + near[:, 2:] * _PROFILE[2]
    best, *others = tf.unstack(near[:, tf.newaxis], axis=3)
    for part in others:
        best = tf.nn.max_pool2d(best[..., tf.newaxis], (1, 2 * _MOVE + 1), 1, "SAME")[..., 0] + part
    return tf.reduce_max(best, axis=[1, 2]) / np.sqrt(_PARTS)
