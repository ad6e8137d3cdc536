"""Weighs lines that wander, by the forward algorithm of hidden Markov models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.linalg import block_diag
from scipy.stats import norm as gaussian

from trainer.line_search.standard_rows import LARGEST_VALUE

# Probability that a line appears anywhere in the next row: it may have been outside the band.
_LOST = 1e-4
# The probabilities are normalised so often that the product of their ratios, in between, is at most
# the exponential of this. float32 holds it, and its inverse times the probability of a lost line.
_LARGEST_LOG_RATIO = 58.0


@keras.saving.register_keras_serializable("radio_signals")
class Wander(keras.layers.Layer):
    """Sums the likelihood ratio to noise over all paths that move at random from row to row.

    The path itself is unknown, and no single path needs to stand out. The layer has no weights.

    Input: float32 [N, H, W], in standard deviations of the noise. Pixels beyond the largest value
    of `StandardRows` are clipped to it.
    Output: float32 [N, deviations, strengths], the log of the ratio in nats, for each kind of path.
    """

    def __init__(
        self,
        deviations: Sequence[float],
        strengths: Sequence[float],
        either_polarity: bool = False,
        **options: Any,
    ) -> None:
        """Create the layer.

        Args:
          deviations: standard deviations of a path's Gaussian move from row to row, in channels.
          strengths: brightness of a path's pixels, in standard deviations of the noise.
          either_polarity: whether the path may also be dark.
          **options: options of every Keras layer, such as `name`.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **options})
        self.deviations, self.strengths = list(deviations), list(strengths)
        self.either_polarity = either_polarity

    def build(self, shape: tuple[int, ...]) -> None:
        """Compute the probability of a move between two channels: [deviations, W, W].

        It includes the probability that the line appears somewhere else.
        """
        width = shape[2]
        move = np.arange(width)[:, None] - np.arange(width)
        moves = [
            gaussian.cdf((move + 0.5) / deviation) - gaussian.cdf((move - 0.5) / deviation)
            for deviation in self.deviations
        ]
        self._moves = (np.stack(moves) + _LOST / width).astype(np.float32)

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        """Compute the evidence in a batch."""
        height = rows.shape[1]
        rows = tf.clip_by_value(rows, -LARGEST_VALUE, LARGEST_VALUE)
        signs = [1, -1] if self.either_polarity else [1]
        strengths = np.outer(signs, self.strengths).reshape(-1, 1, 1).astype(np.float32)
        evidence = self._sum_paths(tf.transpose(rows, [1, 0, 2]), strengths)
        evidence = tf.reshape(evidence, [len(self.deviations), len(signs), len(self.strengths), -1])
        # Both polarities are equally likely.
        evidence = tf.reduce_logsumexp(evidence, axis=1) - np.log(len(signs))
        # A pixel's ratio to noise is exp(strength * pixel - strength ** 2 / 2).
        evidence -= 0.5 * height * np.square(self.strengths)[:, np.newaxis]
        return tf.transpose(evidence, [2, 0, 1])

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return [N, deviations, strengths]."""
        return (shape[0], len(self.deviations), len(self.strengths))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        names = ("deviations", "strengths", "either_polarity")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _sum_paths(self, rows: tf.Tensor, strengths: npt.NDArray[np.float32]) -> tf.Tensor:
        """Return the log of the mean over all paths of the product of their ratios.

        Moves are as probable backwards. One loop therefore follows paths forwards from the first
        row and backwards from the last row, until they meet in the middle.

        Args:
          rows: float32 [H, N, W].
          strengths: float32 [strengths, 1, 1]. The ratio of a pixel is exp(strength * pixel).

        Returns:
          float32 [deviations, strengths N].
        """
        height, _, width = rows.shape
        half = height // 2
        there = np.arange(half)
        ways = tf.gather(rows, np.stack([there, height - 1 - there], axis=1))
        ratios = tf.reshape(tf.exp(ways[:, :, tf.newaxis] * strengths), [half, -1, width])
        middle = None
        if height % 2:
            middle = tf.reshape(tf.exp(rows[half] * strengths), [-1, width])
        largest_log_ratio = LARGEST_VALUE * max(self.strengths)
        rows_at_once = max(1, int(_LARGEST_LOG_RATIO / largest_log_ratio))
        return _sum_paths(ratios, middle, self._moves, rows_at_once)


def _sum_paths(
    rows: tf.Tensor,
    middle: tf.Tensor | None,
    moves: npt.NDArray[np.float32],
    rows_at_once: int,
) -> tf.Tensor:
    """Return the log of the mean over all paths of several kinds.

    Args:
      rows: ratios float32 [H // 2, 2 images, W]: those on the way from the first row, then those on
        the way from the last row.
      middle: ratios float32 [images, W] of the row in between, if there is one.
      moves: probability of a move between two channels, float32 [kinds, W, W].
      rows_at_once: rows after which the probabilities are normalised.

    Returns:
      float32 [kinds, images].
    """
    kinds, width = moves.shape[:2]
    # All kinds in one product of matrices: each has its own columns.
    move = tf.constant(block_diag(*moves))

    def normalise(paths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return what adds up to 1 for each kind, and the sums, [2 images, kinds]."""
        by_kind = tf.reshape(paths, [-1, kinds, width])
        totals = tf.reduce_sum(by_kind, axis=2, keepdims=True)
        return tf.reshape(by_kind / totals, [-1, kinds * width]), totals[..., 0]

    rows = tf.unstack(tf.tile(rows, [1, 1, kinds]))
    paths, logs = rows[0], []
    for number, row in enumerate(rows[1:], start=1):
        if number % rows_at_once == 0:
            paths, totals = normalise(paths)
            logs.append(tf.math.log(totals))
        paths = tf.matmul(paths, move) * row
    paths, totals = normalise(paths)
    logs.append(tf.math.log(totals))
    forwards, backwards = tf.split(paths, 2)
    if middle is not None:
        forwards = tf.matmul(forwards, move) * tf.tile(middle, [1, kinds])
    _, meeting = normalise(tf.matmul(forwards, move) * backwards)
    there, back = tf.split(tf.add_n(logs), 2)
    return tf.transpose(tf.math.log(meeting / width) + there + back)
