"""The evidence for a line that wanders: the forward algorithm of hidden Markov models."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from scipy.stats import norm as gaussian

# Chance that a line turns up anywhere in the next row: it may have been outside the band.
_LOST = 1e-4
# Of a pixel's log likelihood ratio: what float32 holds, with room for a sum.
_GREATEST_EXPONENT = 40.0


@keras.saving.register_keras_serializable("radio_signals")
class Wander(keras.layers.Layer):
    """Adds up the likelihood ratio to noise over all paths that move at random from row to row.

    Which of them it was is unknown, and no single one need stand out. Nothing is learned.

    Input: float32 [N, H, W], in deviations of noise.
    Output: float32 [N, deviations, strengths], the log of the ratio in nats, for each kind of path.
    """

    def __init__(
        self,
        deviations: Sequence[float],
        strengths: Sequence[float],
        either_polarity: bool = False,
        **arguments,
    ):
        """Constructs the layer.

        Args:
          deviations: of a path's Gaussian move from row to row, in channels.
          strengths: of a path's pixels, in deviations of noise.
          either_polarity: whether the path may be dark as well.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **arguments})
        self.deviations, self.strengths = list(deviations), list(strengths)
        self.either_polarity = either_polarity

    def build(self, shape):
        """Lay out the chance to move from one channel to another: [deviations, W, W]."""
        move = np.arange(shape[2])[:, None] - np.arange(shape[2])
        moves = [
            gaussian.cdf((move + 0.5) / deviation) - gaussian.cdf((move - 0.5) / deviation)
            for deviation in self.deviations
        ]
        self._moves = np.stack(moves).astype(np.float32)

    def call(self, rows):
        """Weigh a batch."""
        height, width = rows.shape[1:]
        polarities = tf.stack([rows, -rows], 1) if self.either_polarity else rows[:, tf.newaxis]
        strengths = tf.constant(self.strengths)[:, tf.newaxis, tf.newaxis]
        ratios = strengths * polarities[:, :, tf.newaxis] - 0.5 * tf.square(strengths)
        ratios = tf.exp(tf.minimum(ratios, _GREATEST_EXPONENT))
        # Time first: [H, N polarities strengths, W].
        ratios = tf.unstack(tf.transpose(tf.reshape(ratios, [-1, height, width]), [1, 0, 2]))

        moves = tf.constant(self._moves)
        chances = tf.fill([len(self.deviations), tf.shape(ratios[0])[0], width], 1.0 / width)
        sums = []
        for row, ratio in enumerate(ratios):
            if row:
                chances = tf.matmul(chances, moves) + _LOST / width
            chances *= ratio
            sums.append(tf.reduce_sum(chances, axis=2, keepdims=True))
            chances /= sums[-1]
        evidence = tf.reduce_sum(tf.math.log(tf.concat(sums, axis=2)), axis=2)
        evidence = tf.reshape(
            evidence, [len(self.deviations), -1, polarities.shape[1], len(self.strengths)]
        )
        # Either polarity is as likely as the other.
        evidence = tf.reduce_logsumexp(evidence, axis=2) - np.log(polarities.shape[1])
        return tf.transpose(evidence, [1, 0, 2])

    def compute_output_shape(self, shape):
        """Return [N, deviations, strengths]."""
        return (shape[0], len(self.deviations), len(self.strengths))

    def get_config(self):
        """Return the arguments of the constructor."""
        names = ("deviations", "strengths", "either_polarity")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
