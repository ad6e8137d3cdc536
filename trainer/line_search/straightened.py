"""Spectrograms with a path in them made straight."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("radio_signals")
class Straightened(keras.layers.Layer):
    """Cuts out what is near a path, so that the path becomes the middle column, and bright.

    Input: rows float32 [N, H, W] and paths float32 [N, 4], as of DriftSearch.
    Output: float32 [N, H, 2 reach + 1]; 0 outside the band. Interpolates linearly.
    """

    def __init__(self, reach: int, **arguments):
        """Constructs the layer; `reach` is in channels, either way."""
        super().__init__(**{"trainable": False, "dtype": "float32", **arguments})
        self.reach = reach

    def call(self, rows, paths):
        """Straighten a batch."""
        height, width = rows.shape[1:]
        middle, drift, sagitta, polarity = tf.split(paths, 4, axis=1)
        time = (tf.range(height, dtype=tf.float32) + 0.5) / height
        path = middle + drift * (time - 0.5) + sagitta * (4 * time * (1 - time) - 1)
        # A channel is centred half of its width from where it begins.
        places = (path * width - 0.5)[:, :, tf.newaxis]
        places += tf.range(-self.reach, self.reach + 1, dtype=tf.float32)
        # Channels of nothing on either side, for what lies outside.
        places = tf.clip_by_value(places + 1, 0.0, width + 1.0)
        rows = tf.pad(rows, [[0, 0], [0, 0], [1, 2]])
        below = tf.floor(places)
        part = places - below
        below = tf.cast(below, tf.int32)
        near = tf.gather(rows, below, batch_dims=2) * (1 - part)
        near += tf.gather(rows, below + 1, batch_dims=2) * part
        return near * polarity[:, :, tf.newaxis]

    def compute_output_shape(self, rows_shape, paths_shape):
        """Return [N, H, 2 reach + 1]."""
        return (*rows_shape[:2], 2 * self.reach + 1)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "reach": self.reach}
