"""Turns the results of the searches into numbers that a small network can compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from trainer.line_search.arithmetic import asinh

# In nats. An explanation that is less likely than the best by more than this is ruled out.
_RULED_OUT = 12.0
# In nats. Differences count linearly up to the scale, and by their logarithm beyond it.
_COARSE_SCALE, _FINE_SCALE = 5.0, 1.5


@keras.saving.register_keras_serializable("radio_signals")
class Evidence(keras.layers.Layer):
    """Compares the evidence for each kind of line with the evidence for the best one.

    Mirroring or inverting a spectrogram does not change the comparison.

    Input, all evidence in nats:

    * `straight` and `curved`: float32 [N, sagittas], from `CloseUp` around the best straight path
      and around the best of all paths;
    * `curve`: float32 [N, 4], the best of all paths;
    * `wandering` and `near`: float32 [N, deviations, strengths], from `Wander` in the whole
      spectrogram and near the best path. The first deviation of `near` is that of a steady line;
    * `inside`: float32 [N, 2], the fraction of rows in which the best straight path and the best of
      all are inside the band.

    Output: float32 [N, features].
    """

    def __init__(self, without: Sequence[str] = (), **options: Any) -> None:
        """Create the layer.

        Args:
          without: evidence to leave out, to see what it is worth: `sagittas`, `wandering`, `near`.
          **options: options of every Keras layer, such as `name`.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **options})
        self.without = list(without)

    def call(self, results: dict[str, tf.Tensor]) -> tf.Tensor:
        """Compare a batch."""
        straight, curved = results["straight"], results["curved"]
        middle = straight.shape[1] // 2
        line = straight[:, middle : middle + 1]
        best_straight = tf.reduce_max(straight, axis=1, keepdims=True)
        best_curved = tf.reduce_max(curved, axis=1, keepdims=True)
        best = tf.maximum(best_straight, best_curved)
        # Sagittas run from straight to curved, in whichever direction the curve bends.
        straight = tf.maximum(straight[:, middle:], straight[:, middle::-1])
        sagitta = results["curve"][:, 2:3]
        curved = tf.where(sagitta < 0, curved[:, ::-1], curved)
        curved = tf.where(sagitta == 0, tf.maximum(curved, curved[:, ::-1]), curved)
        kinds = [best_straight, best_curved, line]
        features = []
        if "sagittas" not in self.without:
            features += [_scale(straight - best_straight), _scale(curved - best_curved)]
        if "wandering" not in self.without:
            kinds.append(_flatten(results["wandering"]))
        if "near" not in self.without:
            near = results["near"]
            gain = tf.reduce_max(near, axis=2)
            features += [
                asinh((_flatten(near) - best) / _COARSE_SCALE),
                asinh((gain[:, 1:] - gain[:, :1]) / _FINE_SCALE),
            ]
        kinds = tf.concat(kinds, axis=1)
        features += [
            asinh(kinds / _COARSE_SCALE),
            asinh((kinds - best) / _COARSE_SCALE),
            asinh((line - best) / _FINE_SCALE),
            results["inside"],
        ]
        return tf.concat(features, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "without": self.without}


def _flatten(values: tf.Tensor) -> tf.Tensor:
    return tf.reshape(values, [-1, values.shape[1] * values.shape[2]])


def _scale(difference: tf.Tensor) -> tf.Tensor:
    """Map differences to the best to 1 where there is none and to -2 where ruled out."""
    return 1 + 3 * tf.maximum(difference, -_RULED_OUT) / _RULED_OUT
