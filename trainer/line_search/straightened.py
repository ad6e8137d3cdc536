"""Straightens spectrograms along a path."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("radio_signals")
class Straightened(keras.layers.Layer):
    """Cuts out the surroundings of each path so that it becomes the middle column, and bright.

    Input: rows float32 [N, H, W] and paths float32 [N, P, 4], as `DriftSearch` returns them.
    Output: float32 [N, P, H, 2 reach + 1]; 0 outside the band. Values are interpolated linearly.
    """

    def __init__(self, reach: int, **options: Any) -> None:
        """Create the layer.

        Args:
          reach: channels to cut out on either side of the path.
          **options: options of every Keras layer, such as `name`.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **options})
        self.reach = reach

    def call(self, rows: tf.Tensor, paths: tf.Tensor) -> tf.Tensor:
        """Straighten a batch."""
        height, width = rows.shape[1:]
        # Each [N, P, 1, 1].
        middle, drift, sagitta, polarity = tf.split(paths[..., tf.newaxis], 4, axis=2)
        time = ((tf.range(height, dtype=tf.float32) + 0.5) / height)[:, tf.newaxis]
        path = middle + drift * (time - 0.5) + sagitta * (4 * time * (1 - time) - 1)
        # The centre of a channel is half a channel away from its edge.
        position = path * width - 0.5
        below = tf.floor(position)
        above = position - below
        # Empty channels on either side stand for everything outside the band.
        channels = tf.cast(below, tf.int32) + tf.range(1 - self.reach, self.reach + 3)
        rows = tf.reshape(tf.pad(rows, [[0, 0], [0, 0], [1, 1]]), [-1])
        image = tf.range(tf.shape(paths)[0])[:, tf.newaxis, tf.newaxis, tf.newaxis]
        row = image * height + tf.range(height)[:, tf.newaxis]
        # [N, P, H, 2 reach + 2]: one channel more, because each value lies between two.
        channels = tf.clip_by_value(channels, 0, width + 1)
        near = tf.gather(rows, row * (width + 2) + channels)
        return near[..., :-1] * ((1 - above) * polarity) + near[..., 1:] * (above * polarity)

    def compute_output_shape(
        self, rows_shape: tuple[int | None, ...], paths_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [N, P, H, 2 reach + 1]."""
        return (*paths_shape[:2], rows_shape[1], 2 * self.reach + 1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "reach": self.reach}


def measure_inside(straightened: tf.Tensor) -> tf.Tensor:
    """Return the fraction of rows in which each path is inside the band.

    Args:
      straightened: float32 [N, P, H, channels], as `Straightened` returns it.

    Returns:
      float32 [N, P].
    """
    # Only pixels outside the band, or in a row without contrast, are exactly 0.
    middle = straightened[..., straightened.shape[3] // 2]
    return keras.ops.mean(keras.ops.cast(keras.ops.not_equal(middle, 0.0), "float32"), axis=2)
