"""What was found in a spectrogram, in numbers that a small network can compare."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

# In nats. What is less likely by more than the first is out of the question; differences count
# up to the others, and by their logarithm beyond.
_OUT_OF_THE_QUESTION = 12.0
_MUCH, _LITTLE = 5.0, 1.5


@keras.saving.register_keras_serializable("radio_signals")
class Evidence(keras.layers.Layer):
    """Compares the evidence for each kind of line with that for the best one.

    Neither mirroring a spectrogram nor inverting it changes the comparison.

    Input: evidence in nats: `straight` and `curved`, float32 [N, sagittas], as of CloseUp about the
    best straight path and about the best of all; `curve`, float32 [N, 4], which that is;
    `wandering` and `near`, float32 [N, deviations, strengths], as of Wander in the whole
    spectrogram and near the best path, where the first deviation is that of a line that stays.
    Output: float32 [N, features].
    """

    def __init__(self, without: Sequence[str] = (), **arguments):
        """Constructs the layer.

        Args:
          without: what to leave out, to see what it is worth: `sagittas`, `wandering`, `near`.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **arguments})
        self.without = list(without)

    def call(self, found):
        """Compare a batch."""
        straight, curved = found["straight"], found["curved"]
        middle = straight.shape[1] // 2
        line = straight[:, middle : middle + 1]
        best_straight = tf.reduce_max(straight, axis=1, keepdims=True)
        best_curved = tf.reduce_max(curved, axis=1, keepdims=True)
        best = tf.maximum(best_straight, best_curved)
        # From straight to curved, whichever way.
        straight = tf.maximum(straight[:, middle:], straight[:, middle::-1])
        sagitta = found["curve"][:, 2:3]
        curved = tf.where(sagitta < 0, curved[:, ::-1], curved)
        curved = tf.where(sagitta == 0, tf.maximum(curved, curved[:, ::-1]), curved)
        kinds = [best_straight, best_curved, line]
        features = []
        if "sagittas" not in self.without:
            features += [_possible(straight - best_straight), _possible(curved - best_curved)]
        if "wandering" not in self.without:
            kinds.append(_flat(found["wandering"]))
        if "near" not in self.without:
            near = found["near"]
            gained = tf.reduce_max(near, axis=2)
            features += [
                tf.asinh((_flat(near) - best) / _MUCH),
                tf.asinh((gained[:, 1:] - gained[:, :1]) / _LITTLE),
            ]
        kinds = tf.concat(kinds, axis=1)
        features += [
            tf.asinh(kinds / _MUCH),
            tf.asinh((kinds - best) / _MUCH),
            tf.asinh((line - best) / _LITTLE),
        ]
        return tf.concat(features, axis=1)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "without": self.without}


def _flat(values: tf.Tensor) -> tf.Tensor:
    return tf.reshape(values, [-1, values.shape[1] * values.shape[2]])


def _possible(difference: tf.Tensor) -> tf.Tensor:
    """Differences to the best, 1 where there is none and -2 where out of the question."""
    return 1 + 3 * tf.maximum(difference, -_OUT_OF_THE_QUESTION) / _OUT_OF_THE_QUESTION
