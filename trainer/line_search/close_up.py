"""The second look at a line: how well each curvature explains it, to a fraction of a channel."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

# What a path that was found is off by, at most, in channels at half-time and over the whole time.
_MIDDLES = np.linspace(-1.5, 1.5, 9)
_DRIFTS = np.linspace(-3.0, 3.0, 9)
# Deviation of a line across, in channels.
_WIDTH = 0.6


@keras.saving.register_keras_serializable("radio_signals")
class CloseUp(keras.layers.Layer):
    """Matches straightened spectrograms with lines of all sagittas, a little off and tilted.

    The evidence for a line is the log of its likelihood ratio to noise, in nats, at its best
    strength: half the square of its matched filter's output in deviations of noise.

    Input: float32 [N, H, W], as of Straightened.
    Output: float32 [N, sagittas], of the best place and drift.
    """

    def __init__(self, sagittas: int, sagitta: float, **arguments):
        """Constructs the layer.

        Args:
          sagittas: how many, an odd number, evenly spaced.
          sagitta: the largest, either way, in channels.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **arguments})
        self.sagittas, self.sagitta = sagittas, sagitta

    def build(self, shape):
        """Lay out the filters: [H W, places drifts sagittas]."""
        height, width = shape[1:]
        sagittas = np.linspace(-self.sagitta, self.sagitta, self.sagittas)
        middle, drift, sagitta = (
            axis.reshape(-1, 1) for axis in np.meshgrid(_MIDDLES, _DRIFTS, sagittas, indexing="ij")
        )
        time = (np.arange(height) + 0.5) / height
        # About their mean: else a sagitta would also be a shift, and some be cut off.
        paths = middle + drift * (time - 0.5) + sagitta * (4 * time * (1 - time) - 2 / 3)
        across = np.arange(width) - (width - 1) / 2
        filters = np.exp(-0.5 * ((across - paths[:, :, np.newaxis]) / _WIDTH) ** 2)
        filters = filters.reshape(len(paths), -1)
        filters /= np.sqrt(np.square(filters).sum(axis=1, keepdims=True))
        self._filters = filters.T.astype(np.float32)

    def call(self, straightened):
        """Match a batch."""
        flat = tf.reshape(straightened, [-1, self._filters.shape[0]])
        outputs = tf.reshape(
            flat @ tf.constant(self._filters), [-1, len(_MIDDLES) * len(_DRIFTS), self.sagittas]
        )
        return 0.5 * tf.square(tf.nn.relu(tf.reduce_max(outputs, axis=1)))

    def compute_output_shape(self, shape):
        """Return [N, sagittas]."""
        return (shape[0], self.sagittas)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "sagittas": self.sagittas, "sagitta": self.sagitta}
