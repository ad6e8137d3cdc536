"""Removes carriers that come and go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.line_search.arithmetic import replace_where, sum_over_time
from trainer.line_search.standard_rows import remove

# What is searched: sums over an eighth of the time or more, in steps of a sixteenth.
_PARTS = 16
_FEWEST_PARTS = 2
# The sum of a channel over the time of a carrier, in standard deviations. In noise, the greatest
# of all such sums of a spectrogram is 4.3.
_LEAST_SUM = 5.0
# A channel beside a carrier belongs to it if its sum is this large.
_LEAST_SUM_BESIDE = 2.0
# An image has few such carriers. Each pass removes one at most, and the next sees what is left.
_PASSES = 2
# Paths to compare with: channels on either side of the carrier, and how far a path moves from part
# to part.
_REACH, _MOVE = 16, 3
# With those that a line's profile needs.
_MARGIN = _REACH + 1
# A path follows noise as well, and misses a part of a signal. A carrier must explain more by this
# factor.
_ADVANTAGE = 1.25
# Profile of a line in the channels beside its own and in its own, so that the noise of the weighted
# sum is that of one channel.
_PROFILE = np.array([0.5, 1.0]) / np.sqrt(1.5)


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
        # From rows to sums of each part, in standard deviations of noise.
        to_parts = np.clip(inside, 0, None) / np.sqrt(height / _PARTS)
        self._to_parts = to_parts.astype(np.float32)
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
        # By part: [N, parts, W].
        sums = tf.transpose(sum_over_time(self._to_parts, rows), [1, 0, 2])
        peak, size = self._find_peak(sums)
        none = tf.zeros_like(size)

        def remove_from_some(
            number: tf.Tensor,
            chosen: tf.Tensor,
            left: tf.Tensor,
            peak: tf.Tensor,
            sizes: Sequence[tf.Tensor],
        ) -> Any:
            left, size = replace_where(
                chosen,
                (left, none),
                lambda images: self._remove(tf.gather(left, images), tf.gather(peak, images)),
            )
            sizes = [tf.maximum(sizes[0], size), sizes[1] + tf.sign(size)]
            # In a spectrogram that has not changed, another pass would find the same.
            chosen = size > 0
            peak = replace_where(
                chosen, peak, lambda images: self._find_peak(tf.gather(left, images))[0]
            )
            return number + 1, chosen, left, peak, sizes

        _, _, left, _, sizes = tf.while_loop(
            lambda number, *_: number < _PASSES,
            remove_from_some,
            (0, size > _LEAST_SUM, sums, peak, [none, none]),
        )

        def clean(images: tf.Tensor) -> tf.Tensor:
            removed = tf.gather(sums, images) - tf.gather(left, images)
            carriers = sum_over_time(self._to_parts.T, removed)
            return remove(tf.gather(rows, images), tf.transpose(carriers, [1, 0, 2]))

        return replace_where(sizes[0] > 0, rows, clean), tf.stack(sizes, axis=1)

    def compute_output_shape(
        self, shape: tuple[int | None, ...]
    ) -> tuple[tuple[int | None, ...], tuple[int | None, int]]:
        """Return [N, H, W] and [N, 2]."""
        return shape, (shape[0], 2)

    def _find_peak(self, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Find the channel that stands out most during an interval.

        Args:
          sums: by part, float32 [N, parts, W].

        Returns:
          Its number, int32 [N], and the size of its largest sum, float32 [N].
        """
        largest = tf.reduce_max(tf.abs(sum_over_time(self._intervals, sums)), axis=0)
        return tf.argmax(largest, axis=1, output_type=tf.int32), tf.reduce_max(largest, axis=1)

    def _remove(self, sums: tf.Tensor, peak: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Remove what stands out in a channel, where it is a carrier.

        Args:
          sums: by part, float32 [N, parts, W].
          peak: the channel, int32 [N].

        Returns:
          What is left of `sums`, and the size of the sum that was removed, [N], 0 for none.
        """
        width = sums.shape[2]
        near = _cut_near(sums, peak)
        by_interval = tf.matmul(near[..., _MARGIN], self._intervals, transpose_b=True)
        interval = tf.argmax(tf.abs(by_interval), axis=1)
        while_on = tf.gather(tf.constant(self._intervals), interval)[..., tf.newaxis]
        # Sums of the channel and those beside it while it stands out: [N, 3].
        totals = tf.reduce_sum(while_on * near[..., _MARGIN - 1 : _MARGIN + 2], axis=1)
        direction = tf.sign(totals[:, 1:2])
        is_lit = totals * direction > [_LEAST_SUM_BESIDE, 0.0, _LEAST_SUM_BESIDE]
        totals *= tf.cast(is_lit, tf.float32)
        sides = _MARGIN - 1
        carrier = tf.pad(while_on * totals[:, tf.newaxis], [[0, 0], [0, 0], [sides, sides]])
        explanations = tf.stack([near, near - carrier], axis=2)
        paths = tf.square(_sum_best_path(explanations * direction[..., tf.newaxis, tf.newaxis]))
        explained = tf.reduce_sum(tf.square(totals), axis=1) + paths[:, 1]
        sizes = tf.abs(totals[:, 1])
        is_carrier = (sizes > _LEAST_SUM) & (explained > _ADVANTAGE * paths[:, 0])
        is_carrier = tf.cast(is_carrier, tf.float32)[:, tf.newaxis]
        places = tf.one_hot(peak[:, tf.newaxis] + [-1, 0, 1], width)
        removed = tf.matmul((totals * is_carrier)[:, tf.newaxis], places)
        return sums - while_on * removed, sizes * is_carrier[:, 0]


def _cut_near(sums: tf.Tensor, peak: tf.Tensor) -> tf.Tensor:
    """Return the channels near a channel: [N, parts, 2 margin + 1]."""
    padded = tf.pad(sums, [[0, 0], [0, 0], [_MARGIN, _MARGIN]])
    channels = peak[:, tf.newaxis] + tf.range(2 * _MARGIN + 1)
    return tf.gather(padded, channels, axis=2, batch_dims=1)


def _sum_best_path(near: tf.Tensor) -> tf.Tensor:
    """Return the greatest sums along a path, in standard deviations.

    Args:
      near: float32 [N, parts, explanations, channels].

    Returns:
      float32 [N, explanations].
    """
    beside, middle = _PROFILE
    near = (near[..., :-2] + near[..., 2:]) * beside + near[..., 1:-1] * middle
    explanations, channels = near.shape[2:]
    # From both ends to the middle. Each is [channels, 2 N explanations]: a maximum over channels
    # takes the least time if all else comes last.
    near = tf.reshape(tf.transpose(near, [1, 3, 0, 2]), [_PARTS, channels, -1])
    near = tf.concat([near[: _PARTS // 2], near[: _PARTS // 2 - 1 : -1]], axis=2)
    best, *others = tf.unstack(near)
    for part in others:
        best = _move(best) + part
    before, after = tf.split(best, 2, axis=1)
    sums = tf.reduce_max(_move(before) + after, axis=0)
    return tf.reshape(sums, [-1, explanations]) / np.sqrt(_PARTS)


def _move(best: tf.Tensor) -> tf.Tensor:
    """Return the greatest value that a path may come from, for [channels, anything]."""
    channels = np.arange(best.shape[0])[:, np.newaxis] + np.arange(-_MOVE, _MOVE + 1)
    # A pooling layer takes several times as long for few values.
    return tf.reduce_max(tf.gather(best, channels.clip(0, best.shape[0] - 1)), axis=1)
