"""Removes lines that do not drift: carriers, and channels with more or less noise than others."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.line_search.standard_rows import standardise

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


@keras.saving.register_keras_serializable("radio_signals")
class WithoutCarriers(keras.layers.Layer):
    """Subtracts the mean of each steady channel, and standardises the rows again.

    The layer has no weights and passes no gradient.

    Input: float32 [N, H, W], as `StandardRows` returns it.
    Output: the same without steady channels, and float32 [N, 2]: the sum of the pixels of the
    steady channel that stands out most, in standard deviations of noise, and the number of steady
    channels.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trainable": False, "dtype": "float32", **options})

    def call(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Clean a batch."""
        height = rows.shape[1]
        strongest, number = [], []
        for _ in range(_PASSES):
            departures = tf.stack([_average(rows, part) for part in range(_PARTS)])
            # In the same direction in all parts.
            least = tf.reduce_min(departures * tf.sign(tf.reduce_sum(departures, 0)), axis=0)
            centres = _find_centres(departures)
            move = tf.reduce_max(centres, axis=0) - tf.reduce_min(centres, axis=0)
            steady = tf.cast((least > _LEAST_DEPARTURE) & (move < _LARGEST_MOVE), tf.float32)
            means = tf.reduce_mean(rows, axis=1) * steady
            strongest.append(tf.reduce_max(tf.abs(means), axis=1) * np.sqrt(height))
            number.append(tf.reduce_sum(steady, axis=1))
            rows = standardise(rows - means[:, tf.newaxis])
        removed = [tf.reduce_max(tf.stack(strongest), axis=0), tf.add_n(number)]
        return rows, tf.stack(removed, axis=1)

    def compute_output_shape(
        self, shape: tuple[int | None, ...]
    ) -> tuple[tuple[int | None, ...], tuple[int | None, int]]:
        """Return [N, H, W] and [N, 2]."""
        return shape, (shape[0], 2)


def _average(rows: tf.Tensor, part: int) -> tf.Tensor:
    """Return the mean of a part of the time, in its standard deviations in noise: [N, W]."""
    height = rows.shape[1]
    # Parts that share a row keep the result the same if time is mirrored.
    first, end = part * height // _PARTS, -(-(part + 1) * height // _PARTS)
    return tf.reduce_mean(rows[:, first:end], axis=1) * np.sqrt(end - first)


def _find_centres(departures: tf.Tensor) -> tf.Tensor:
    """Return the centre of what stands out around each channel, as its distance from the channel.

    Args:
      departures: float32 [parts, N, W].

    Returns:
      float32 [parts, N, W], in channels.
    """
    parts, _, width = departures.shape
    distances = np.arange(-_REACH, _REACH + 1.0)
    weights = np.stack([distances, np.ones_like(distances)], axis=1)[:, np.newaxis]
    squares = tf.reshape(tf.square(departures), [-1, width, 1])
    sums = tf.nn.conv1d(squares, tf.constant(weights.astype(np.float32)), 1, "SAME")
    moment, weight = tf.unstack(tf.reshape(sums, [parts, -1, width, 2]), axis=-1)
    return moment / (weight + 1e-6)
