"""Spectrograms at a common size, each row by itself."""

from __future__ import annotations

import keras
import tensorflow as tf

# Of a row, in squared deviations of the whole image.
_SMALLEST_VARIANCE = 1e-4

# In deviations of a row. The evidence of a line grows with the square of its strength, so that the
# sidelobes of a very strong one would outweigh everything else; and nothing that matters to a
# faint one is this far from the noise.
_LARGEST_DEVIATION = 4.0


@keras.saving.register_keras_serializable("radio_signals")
class StandardRows(keras.layers.Layer):
    """Averages images down and standardises each row, the spectrum at one time.

    So a burst over the whole band, or a gain that changes, is no line. A row without any contrast
    becomes 0. Beyond four deviations, values are cut off.

    Input: float32 [N, H, W, 1].
    Output: float32 [N, about `rows`, about `channels`]: whole numbers of pixels are averaged.
    """

    def __init__(self, rows: int, channels: int, **arguments):
        super().__init__(**{"trainable": False, "dtype": "float32", **arguments})
        self.rows, self.channels = rows, channels

    def call(self, images):
        """Transform a batch."""
        height, width = images.shape[1:3]
        pool = (max(1, round(height / self.rows)), max(1, round(width / self.channels)))
        # Nothing below is learned, and no gradient has to pass.
        images = tf.stop_gradient(images)
        if pool != (1, 1):
            images = tf.nn.avg_pool2d(images, pool, pool, "VALID")
        images = images[..., 0]
        mean, variance = tf.nn.moments(images, axes=[2], keepdims=True)
        rows = (images - mean) * tf.math.rsqrt(variance + _SMALLEST_VARIANCE)
        return tf.clip_by_value(rows, -_LARGEST_DEVIATION, _LARGEST_DEVIATION)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "rows": self.rows, "channels": self.channels}
