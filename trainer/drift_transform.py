"""The drift transform: how strong the strongest line of each drift and curvature is.

A faint line is lost among the pixels of any window that a convolution looks through, and stands
out once all its pixels are added up. Searches for narrowband signals therefore sum spectrograms
along every drift rate (the tree algorithm of Taylor 1974, A&AS 15, 367; Siemion et al. 2013, ApJ
767, 94). Here the sums are over parabolas, in two stages: over straight pieces of a few rows at
every slope, then over the pieces that a parabola passes through.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from scipy.fft import next_fast_len

# Straight pieces that a path is made of. The most curved path departs from its pieces by a
# sixteenth of its sagitta.
_PIECES = 4
# Deviation of the Gaussian along frequency that paths are looked for with, in channels.
_PATH_WIDTH = 0.3
# Of a row, in squared deviations of the whole image.
_SMALLEST_VARIANCE = 1e-4
# Paths that are worked on at a time: so many fit in a processor's cache, and in memory.
_PATHS_AT_A_TIME = 115


@keras.saving.register_keras_serializable("radio_signals")
class DriftTransform(keras.layers.Layer):
    """Sums images along parabolas; keeps the greatest sum over all places in the band.

    With drift d and sagitta s the path is f + d (t - 1/2) + s (4 t (1 - t) - 1), t from 0 to 1.
    Each row, the spectrum at one time, is standardised first, so that a burst over the whole band,
    or a gain that changes, is no line. Outside the band there is nothing. Sums are in standard
    deviations of a sum of as many rows of white noise. Nothing is learned, and no gradient passes.

    Input: float32 [N, H, W, 1].
    Output: float32 [N, drifts, sagittas, 2]; of the last axis, bright paths and dark paths.
    """

    def __init__(
        self,
        rows: int,
        channels: int,
        drifts: int,
        sagittas: int,
        drift: float = 0.5,
        sagitta: float = 12 / 128,
        **arguments,
    ):
        """Constructs the layer.

        Args:
          rows, channels: about the size that images are averaged down to first.
          drifts, sagittas: how many of each, odd numbers, evenly spaced.
          drift: the largest, either way, in widths of the band over the image.
          sagitta: the largest, either way, in widths of the band.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **arguments})
        self.rows, self.channels = rows, channels
        self.drifts, self.sagittas = drifts, sagittas
        self.drift, self.sagitta = drift, sagitta

    def build(self, shape):
        """Lay out the table of pieces, and where in it each path's pieces are."""
        height, width = shape[1:3]
        self._pool = (max(1, round(height / self.rows)), max(1, round(width / self.channels)))
        rows, channels = height // self._pool[0], width // self._pool[1]
        piece_rows = -(-rows // _PIECES)
        # Rows that do not fill a piece are filled up with nothing.
        self._filling = piece_rows * _PIECES - rows
        self._channels = channels

        drift = np.linspace(-self.drift, self.drift, self.drifts)[:, None, None] * channels
        sagitta = np.linspace(-self.sagitta, self.sagitta, self.sagittas)[:, None] * channels
        middle = (np.arange(_PIECES) + 0.5) / _PIECES
        # [drifts, sagittas, pieces]: channels from where the path is at half-time to where the
        # piece is at its own, and channels that the piece moves by.
        away = drift * (middle - 0.5) + 4 * sagitta * (middle * (1 - middle) - 0.25)
        slope = np.round((drift + 4 * sagitta * (1 - 2 * middle)) / _PIECES).astype(int)
        steepest = np.abs(slope).max()
        # Beyond the band as far as a path inside it at half-time reaches.
        self._margin = int(np.ceil(np.abs(away).max())) + 1
        line = next_fast_len(channels + 2 * self._margin, real=True)
        slopes = np.arange(-steepest, steepest + 1)
        starts = (np.arange(_PIECES) * len(slopes) + slope + steepest) * line
        starts += self._margin + np.round(away).astype(int)
        self._starts = starts.reshape(-1, _PIECES).astype(np.int32)

        self._line = line
        self._slopes = slopes.astype(np.float32)
        self._moved = ((np.arange(piece_rows) - (piece_rows - 1) / 2) / piece_rows).astype(
            "float32"
        )
        self._turns = (2 * np.pi * np.fft.rfftfreq(line)).astype(np.float32)
        self._window = np.exp(-0.5 * (self._turns * _PATH_WIDTH) ** 2)
        self._deviation = float(np.sqrt(rows * np.sum(np.fft.irfft(self._window, line) ** 2)))

    def call(self, images):
        """Transform a batch."""
        images = tf.stop_gradient(images)
        if self._pool != (1, 1):
            images = tf.nn.avg_pool2d(images, self._pool, self._pool, "VALID")
        mean, variance = tf.nn.moments(images, axes=[2], keepdims=True)
        # A row without any contrast becomes 0.
        images = (images - mean) * tf.math.rsqrt(variance + _SMALLEST_VARIANCE)
        pieces = self._pieces(images[..., 0])
        middles = tf.range(self._channels)

        def strongest(starts):
            places = starts[:, :, tf.newaxis] + middles
            paths = tf.add_n([tf.gather(pieces, places[:, piece]) for piece in range(_PIECES)])
            return tf.stack([tf.reduce_max(paths, 1), -tf.reduce_min(paths, 1)])

        count = len(self._starts)
        parts = [
            strongest(tf.constant(self._starts[first : first + _PATHS_AT_A_TIME]))
            for first in range(0, count, _PATHS_AT_A_TIME)
        ]
        found = tf.transpose(tf.concat(parts, axis=1), [2, 1, 0]) / self._deviation
        return tf.reshape(found, [-1, self.drifts, self.sagittas, 2])

    def compute_output_shape(self, shape):
        """Return [N, drifts, sagittas, 2]."""
        return (shape[0], self.drifts, self.sagittas, 2)

    def get_config(self):
        """Return the arguments of the constructor."""
        names = ("rows", "channels", "drifts", "sagittas", "drift", "sagitta")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _pieces(self, images: tf.Tensor) -> tf.Tensor:
        """Sums over every piece at every slope: [pieces * slopes * line, N].

        The images come last, so that fetching a piece's sum at a place is one copy for all.
        """
        above = self._line - self._channels - self._margin
        images = tf.pad(images, [[0, 0], [0, self._filling], [self._margin, above]])
        spectra = tf.signal.rfft(images)
        spectra = tf.reshape(spectra, [tf.shape(images)[0], _PIECES, -1, spectra.shape[-1]])
        # A piece is summed along a slope by moving its rows, which is turning phases. TensorFlow
        # folds these; as constants they would make the larger part of an exported model.
        moves = tf.constant(self._slopes)[:, tf.newaxis] * self._moved
        phases = moves[:, :, tf.newaxis] * self._turns
        turned = tf.complex(self._window * tf.cos(phases), self._window * tf.sin(phases))
        sums = tf.signal.irfft(tf.einsum("jtw,nktw->nkjw", turned, spectra), [self._line])
        return tf.transpose(tf.reshape(sums, [tf.shape(images)[0], -1]))
