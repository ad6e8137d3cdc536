"""Brings spectrograms to a common size and standardises each row separately."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

# Smallest variance of a row, relative to the variance of the whole image.
_SMALLEST_VARIANCE = 1e-4

# In standard deviations of a row. The evidence for a line grows with the square of its strength, so
# the sidelobes of a very strong line would outweigh everything else. No pixel that helps to find a
# faint line is this far from the noise.
LARGEST_VALUE = 4.0


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
        height, width = images.shape[1:3]
        pool = (max(1, round(height / self.rows)), max(1, round(width / self.channels)))
        # The search has no weights, so no gradient needs to pass.
        images = tf.stop_gradient(images)
        if pool != (1, 1):
            images = tf.nn.avg_pool2d(images, pool, pool, "VALID")
        return standardise(images[..., 0])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "rows": self.rows, "channels": self.channels}


def standardise(rows: tf.Tensor) -> tf.Tensor:
    """Give each row, of float32 [N, H, W], mean 0 and standard deviation 1, and clip it."""
    mean, variance = tf.nn.moments(rows, axes=[2], keepdims=True)
    rows = (rows - mean) * tf.math.rsqrt(variance + _SMALLEST_VARIANCE)
    return tf.clip_by_value(rows, -LARGEST_VALUE, LARGEST_VALUE)
