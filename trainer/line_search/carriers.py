"""Removes lines that do not drift: carriers, and channels with more or less noise than others."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.line_search.arithmetic import sum_over_time
from trainer.line_search.standard_rows import remove

# A channel is steady if it stands out in each part of the time, and what stands out does not move.
_PARTS = 4
# By so many standard deviations of the mean of a part. In noise, one spectrogram of ten thousand
# has such a channel.
_LEAST_DEPARTURE = 2.0
# The centre of what stands out moves by less than this from part to part, in channels.
_LARGEST_MOVE = 0.7
# Channels on either side that the centre is that of.
_REACH = 2
# Strong carriers hide weak ones, which are found after the strong ones have been removed.
_PASSES = 2
# Keeps what is left of a spectrogram without noise finite.
_SMALLEST_VARIANCE = 1e-4


@keras.saving.register_keras_serializable("radio_signals")
class WithoutCarriers(keras.layers.Layer):
    """Subtracts the mean of each steady channel and the bandpass, and standardises the rows again.

    A spectrogram with neither stays the same to the bit.

    The layer has no weights and passes no gradient.

    Input: float32 [N, H, W], as `StandardRows` returns it.
    Output: the same without steady channels, and float32 [N, 2]: the sum of the pixels of the
    steady channel that stands out most, in standard deviations of noise, and the number of steady
    channels.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trainable": False, "dtype": "float32", **options})

    def build(self, shape: tuple[int, ...]) -> None:
        """Compute what averages the rows of each part: [parts, H]."""
        height = shape[1]
        time, part = np.arange(height), np.arange(_PARTS)[:, np.newaxis]
        # Parts that share a row keep the result the same if time is mirrored.
        inside = (time >= part * height // _PARTS) & (time < -(-(part + 1) * height // _PARTS))
        rows = inside.sum(axis=1, keepdims=True)
        self._averages = (inside / rows).astype(np.float32)
        # Of the mean of as many pixels of noise.
        self._deviations = (1 / np.sqrt(rows)).astype(np.float32)

    def call(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Clean a batch."""
        # Means of the parts, float32 [N, parts, W], and the mean square of the pixels.
        averages = tf.transpose(sum_over_time(self._averages, rows), [1, 0, 2])
        square = tf.reduce_mean(tf.square(rows), axis=[1, 2], keepdims=True)
        unit = tf.ones_like(square)
        removed, strongest, number = [], [], []
        for _ in range(_PASSES):
            steady = tf.cast(_find_steady(averages / self._deviations), tf.float32)
            means = tf.reduce_mean(averages, axis=1, keepdims=True) * steady
            removed.append(means * unit)
            strongest.append(tf.reduce_max(tf.abs(means), axis=[1, 2]))
            number.append(tf.reduce_sum(steady, axis=[1, 2]))
            # The next pass sees what standardising the rows without these channels would leave.
            averages -= means
            mean = tf.reduce_mean(averages, axis=[1, 2], keepdims=True)
            variance = square - tf.reduce_mean(tf.square(means), axis=2, keepdims=True)
            deviation = tf.sqrt(tf.nn.relu(variance - tf.square(mean)) + _SMALLEST_VARIANCE)
            averages = (averages - mean) / deviation
            unit *= deviation
            square = tf.ones_like(square)
        largest = tf.reduce_max(tf.stack(strongest), axis=0) * np.sqrt(rows.shape[1])
        return remove(rows, tf.add_n(removed)), tf.stack([largest, tf.add_n(number)], axis=1)

    def compute_output_shape(
        self, shape: tuple[int | None, ...]
    ) -> tuple[tuple[int | None, ...], tuple[int | None, int]]:
        """Return [N, H, W] and [N, 2]."""
        return shape, (shape[0], 2)


def _find_steady(departures: tf.Tensor) -> tf.Tensor:
    """Return which channels stand out steadily: bool [N, 1, W], from float32 [N, parts, W]."""
    # In the same direction in all parts.
    direction = tf.sign(tf.reduce_sum(departures, axis=1, keepdims=True))
    least = tf.reduce_min(departures * direction, axis=1, keepdims=True)
    centres = _find_centres(departures)
    move = tf.reduce_max(centres, 1, keepdims=True) - tf.reduce_min(centres, 1, keepdims=True)
    return (least > _LEAST_DEPARTURE) & (move < _LARGEST_MOVE)


def _find_centres(departures: tf.Tensor) -> tf.Tensor:
    """Return the centre of what stands out around each channel, as its distance from the channel.

    Args:
      departures: float32 [N, parts, W].

    Returns:
      float32 [N, parts, W], in channels.
    """
    parts, width = departures.shape[1:]
    # The graph computes the matrices, because as constants they would enlarge the exported model.
    channels = tf.range(width, dtype=tf.float32)
    distances = channels[:, tf.newaxis] - channels
    is_near = tf.cast(tf.abs(distances) <= _REACH, tf.float32)
    squares = tf.reshape(tf.square(departures), [-1, width])
    centres = tf.matmul(squares, distances * is_near) / (tf.matmul(squares, is_near) + 1e-6)
    return tf.reshape(centres, [-1, parts, width])
