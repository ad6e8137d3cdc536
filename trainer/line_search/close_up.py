"""Takes a second look at a line: compares curvatures to a fraction of a channel."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.linalg import eigh

from trainer.line_search.straightened import measure_inside

# Largest error of a path from the drift search, in channels: at half-time and over the whole time.
_MIDDLES = np.linspace(-1.5, 1.5, 9)
_DRIFTS = np.linspace(-3.0, 3.0, 9)
# Standard deviation of a line's profile along frequency, in channels.
_WIDTH = 0.6
# Smallest fraction of rows inside the band by which a filter's output is divided.
_LEAST_INSIDE = 0.25
# Principal components of the filters. All filters are sums of so few of them, to a hundredth.
_PATTERNS = 80


@keras.saving.register_keras_serializable("radio_signals")
class CloseUp(keras.layers.Layer):
    """Matches straightened spectrograms with lines of all sagittas, slightly shifted and tilted.

    The evidence for a line is the log of its likelihood ratio to noise, in nats, at the strength
    that fits best, averaged over positions and drifts. At each, it is half the square of the output
    of the line's matched filter, in standard deviations of the noise.

    Input: float32 [N, P, H, W], as `Straightened` returns it.
    Output: float32 [N, P, sagittas].
    """

    def __init__(self, sagittas: int, sagitta: float, **options: Any) -> None:
        """Create the layer.

        Args:
          sagittas: number of sagittas, odd. They are evenly spaced.
          sagitta: the largest sagitta in either direction, in channels.
          **options: options of every Keras layer, such as `name`.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **options})
        self.sagittas, self.sagitta = sagittas, sagitta

    def build(self, shape: tuple[int, ...]) -> None:
        """Compute the filters."""
        sagittas = tuple(np.linspace(-self.sagitta, self.sagitta, self.sagittas))
        self._patterns, self._weights = _make_filters(*shape[2:], sagittas)

    def call(self, straightened: tf.Tensor) -> tf.Tensor:
        """Match a batch."""
        flat = tf.reshape(straightened, [-1, len(self._patterns)])
        outputs = flat @ tf.constant(self._patterns) @ tf.constant(self._weights)
        outputs = tf.reshape(
            outputs,
            [-1, straightened.shape[1], len(_MIDDLES) * len(_DRIFTS), self.sagittas],
        )
        inside = tf.maximum(measure_inside(straightened), _LEAST_INSIDE)
        evidence = 0.5 * tf.square(tf.nn.relu(outputs)) / inside[..., tf.newaxis, tf.newaxis]
        return tf.reduce_logsumexp(evidence, axis=2) - np.log(evidence.shape[2])

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return [N, P, sagittas]."""
        return (*shape[:2], self.sagittas)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "sagittas": self.sagittas, "sagitta": self.sagitta}


# A training run builds the model several times, and the patterns take a quarter of a second.
@functools.cache
def _make_filters(
    height: int, width: int, sagittas: tuple[float, ...]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the filters as patterns [H W, patterns] and their weights [patterns, filters].

    There is a filter for each position, drift and sagitta.
    """
    middle, drift, sagitta = (
        axis.reshape(-1, 1) for axis in np.meshgrid(_MIDDLES, _DRIFTS, sagittas, indexing="ij")
    )
    time = (np.arange(height) + 0.5) / height
    # Each path bends around its own mean. Otherwise a sagitta would also be a shift, and some paths
    # would be cut off.
    paths = middle + drift * (time - 0.5) + sagitta * (4 * time * (1 - time) - 2 / 3)
    across = np.arange(width) - (width - 1) / 2
    filters = np.exp(-0.5 * ((across - paths[:, :, np.newaxis]) / _WIDTH) ** 2)
    filters = filters.reshape(len(paths), -1)
    filters /= np.sqrt(np.square(filters).sum(axis=1, keepdims=True))
    size = filters.shape[1]
    components = (size - min(_PATTERNS, size), size - 1)
    patterns = eigh(filters.T @ filters, subset_by_index=components)[1]
    return patterns.astype(np.float32), (filters @ patterns).T.astype(np.float32)
