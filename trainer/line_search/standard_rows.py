"""Brings spectrograms to a common size and standardises each row separately."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.fft import idct
from scipy.stats import norm

from trainer.line_search.arithmetic import moments, replace_where

# Smallest variance of a row, relative to the variance of the whole image.
_SMALLEST_VARIANCE = 1e-4

# In standard deviations of a row. The evidence for a line grows with the square of its strength, so
# the sidelobes of a very strong line would outweigh everything else. No pixel that helps to find a
# faint line is this far from the noise.
LARGEST_VALUE = 4.0

# Cosines that describe a receiver's bandpass, with up to six periods in the band.
_BANDPASS_COSINES = 12
# In standard deviations. Clipped to it, a line hardly changes the mean of the channels it crosses.
_CLIPPED = 1.0
# What clipping leaves of a small shift of noise.
_SHIFT = 2 * norm.cdf(_CLIPPED) - 1
# A bandpass changes the sum of a channel by this much, in standard deviations of noise. Noise alone
# seems to have one of half the size, and a smaller one does not matter to the search.
_LEAST_DEPARTURE = 2.0


@keras.saving.register_keras_serializable("radio_signals")
class StandardRows(keras.layers.Layer):
    """Averages images down and standardises each row, the spectrum at one time.

    Thus a burst over the whole band, or a gain that changes, does not look like a line. A row
    without contrast becomes 0. Values beyond four standard deviations are clipped.

    Input: float32 [N, H, W, 1].
    Output: float32 [N, about `rows`, about `channels`]. The layer averages whole numbers of pixels.
    """

    def __init__(self, rows: int, channels: int, **options: Any) -> None:
        super().__init__(**{"trainable": False, "dtype": "float32", **options})
        self.rows, self.channels = rows, channels

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Transform a batch."""
        # The search has no weights, so no gradient needs to pass.
        images = average_down(tf.stop_gradient(images), self.rows, self.channels)
        return standardise(images[..., 0])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "rows": self.rows, "channels": self.channels}


def average_down(images: tf.Tensor, rows: int, channels: int) -> tf.Tensor:
    """Average [N, H, W, 1] over whole numbers of pixels, to about so many rows and channels."""
    height, width = images.shape[1:3]
    pool = (max(1, round(height / rows)), max(1, round(width / channels)))
    if pool == (1, 1):
        return images
    if pool[0] > 1:
        return tf.nn.avg_pool2d(images, pool, pool, "VALID")
    # Within rows, a sum takes half the time of a pooling layer.
    width -= width % pool[1]
    neighbours = tf.reshape(images[:, :, :width], [-1, height, width // pool[1], pool[1], 1])
    return tf.add_n(tf.unstack(neighbours, axis=3)) / pool[1]


def standardise(rows: tf.Tensor) -> tf.Tensor:
    """Give each row, of float32 [N, H, W], mean 0 and standard deviation 1, and clip it."""
    mean, variance = moments(rows, [2])
    rows = (rows - mean) * tf.math.rsqrt(variance + _SMALLEST_VARIANCE)
    return tf.clip_by_value(rows, -LARGEST_VALUE, LARGEST_VALUE)


def find_bandpass(rows: tf.Tensor) -> tf.Tensor:
    """Return what varies slowly along frequency in the mean spectrum of float32 [N, H, W].

    Returns:
      float32 [N, 1, W]. It is 0 if it is so small that it may be noise.
    """
    height, width = rows.shape[1:]
    cosines = idct(np.eye(width)[:_BANDPASS_COSINES], norm="ortho", axis=1).astype(np.float32)
    clipped = tf.clip_by_value(rows, -_CLIPPED, _CLIPPED)
    spectrum = tf.reduce_mean(clipped, axis=1)
    bandpass = tf.matmul(tf.matmul(spectrum, cosines, transpose_b=True), cosines) / _SHIFT
    largest = tf.reduce_max(tf.abs(bandpass), axis=1, keepdims=True) * np.sqrt(height)
    return (bandpass * tf.cast(largest > _LEAST_DEPARTURE, tf.float32))[:, tf.newaxis]


def remove(rows: tf.Tensor, lines: tf.Tensor) -> tf.Tensor:
    """Subtract lines and then the bandpass from rows, and standardise what has changed.

    Args:
      rows: float32 [N, H, W].
      lines: what to subtract, broadcast to the same shape.

    Returns:
      float32 [N, H, W]. Where nothing is subtracted, a spectrogram stays the same to the bit.
    """
    cleaned = rows - lines
    bandpass = find_bandpass(cleaned)
    subtracted = [tf.reduce_max(tf.abs(each), [1, 2]) for each in (lines, bandpass)]
    return replace_where(
        tf.add_n(subtracted) > 0,
        rows,
        lambda chosen: standardise(tf.gather(cleaned, chosen) - tf.gather(bandpass, chosen)),
    )
