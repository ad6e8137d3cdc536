"""The first look for lines: the strongest straight line and the strongest parabola.

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
# Paths that are worked on at a time: so many fit in a processor's cache, and in memory.
_PATHS_AT_A_TIME = 115


@keras.saving.register_keras_serializable("radio_signals")
class DriftSearch(keras.layers.Layer):
    """Finds the paths, bright or dark, that the greatest sums are over.

    With drift d and sagitta s the path is f + d (t - 1/2) + s (4 t (1 - t) - 1), t from 0 to 1.
    Outside the band there is nothing. Nothing is learned, and no gradient passes.

    Input: float32 [N, H, W], as of StandardRows.
    Output: two float32 [N, 4], the strongest of the straight paths and of all: f, d and s, in
    widths of the band, and 1 for a bright path or -1 for a dark one.
    """

    def __init__(self, drifts: int, sagittas: int, drift: float, sagitta: float, **arguments):
        """Constructs the layer.

        Args:
          drifts, sagittas: how many of each, odd numbers, evenly spaced.
          drift: the largest, either way, in widths of the band over the image.
          sagitta: the largest, either way, in widths of the band.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **arguments})
        self.drifts, self.sagittas = drifts, sagittas
        self.drift, self.sagitta = drift, sagitta

    def build(self, shape):
        """Lay out the table of pieces, and where in it each path's pieces are."""
        rows, channels = shape[1:]
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
        paths = np.stack(np.broadcast_arrays(drift, sagitta), axis=-1).reshape(-1, 2) / channels
        # Paths close to each other may have the same pieces. The first of equals is the best:
        # the straightest, so that a mirrored image has mirrored paths.
        straightest = np.lexsort(np.abs(paths).round(6).T)
        self._starts = starts.reshape(-1, _PIECES)[straightest].astype(np.int32)
        self._paths = paths[straightest].astype(np.float32)

        self._line = line
        self._slopes = slopes.astype(np.float32)
        self._moved = ((np.arange(piece_rows) - (piece_rows - 1) / 2) / piece_rows).astype(
            "float32"
        )
        self._turns = (2 * np.pi * np.fft.rfftfreq(line)).astype(np.float32)
        self._window = np.exp(-0.5 * (self._turns * _PATH_WIDTH) ** 2)

    def call(self, rows):
        """Search a batch."""
        pieces = self._pieces(rows)
        sums = self._strongest(pieces)
        straight = np.flatnonzero(np.isclose(self._paths[:, 1], 0, atol=1e-6))
        return (
            self._best(pieces, tf.gather(sums, straight, axis=1), straight),
            self._best(pieces, sums, np.arange(len(self._paths))),
        )

    def compute_output_shape(self, shape):
        """Return twice [N, 4]."""
        return ((shape[0], 4), (shape[0], 4))

    def get_config(self):
        """Return the arguments of the constructor."""
        names = ("drifts", "sagittas", "drift", "sagitta")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _strongest(self, pieces: tf.Tensor) -> tf.Tensor:
        """The greatest sum of each path over all places: [N, paths, 2], bright and dark."""
        middles = tf.range(self._channels)

        def strongest(starts):
            places = starts[:, :, tf.newaxis] + middles
            sums = tf.add_n([tf.gather(pieces, places[:, piece]) for piece in range(_PIECES)])
            return tf.stack([tf.reduce_max(sums, 1), -tf.reduce_min(sums, 1)])

        parts = [
            strongest(tf.constant(self._starts[first : first + _PATHS_AT_A_TIME]))
            for first in range(0, len(self._starts), _PATHS_AT_A_TIME)
        ]
        return tf.transpose(tf.concat(parts, axis=1), [2, 1, 0])

    def _best(self, pieces: tf.Tensor, sums: tf.Tensor, members: np.ndarray) -> tf.Tensor:
        """Where the greatest of all sums is: [N, 4].

        Args:
          pieces: of the batch.
          sums: of the paths to choose from.
          members: which paths these are.
        """
        best = tf.argmax(tf.reshape(sums, [-1, 2 * len(members)]), axis=1, output_type=tf.int32)
        polarity = 1 - 2 * tf.cast(best % 2, tf.float32)
        path = tf.gather(tf.constant(members.astype(np.int32)), best // 2)
        # Its sums at every place again, because only their maximum was kept.
        places = tf.gather(tf.constant(self._starts), path)[:, :, tf.newaxis]
        places += tf.range(self._channels)
        images = tf.range(tf.shape(path)[0])[:, tf.newaxis, tf.newaxis]
        images = tf.broadcast_to(images, tf.shape(places))
        at_places = tf.gather_nd(pieces, tf.stack([places, images], axis=-1))
        at_places = tf.reduce_sum(at_places, axis=1) * polarity[:, tf.newaxis]
        middle = (tf.cast(tf.argmax(at_places, axis=1), tf.float32) + 0.5) / self._channels
        drift, sagitta = tf.unstack(tf.gather(tf.constant(self._paths), path), axis=1)
        return tf.stack([middle, drift, sagitta, polarity], axis=1)

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
