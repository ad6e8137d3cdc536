"""Takes the first look for lines: finds the strongest straight line and the strongest parabola.

No window of a convolution shows a faint line, but the line stands out once all its pixels are
added up. Searches for narrowband signals therefore sum spectrograms along every drift rate (the
tree algorithm of Taylor 1974, A&AS 15, 367; Siemion et al. 2013, ApJ 767, 94). This search sums
along parabolas, in two stages: along straight pieces of a few rows at every slope, then over the
pieces that a parabola passes through.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.fft import next_fast_len

from trainer.line_search.arithmetic import sum_filtered_rows

# Straight pieces of a path. A curved path departs from its pieces by a sixteenth of its sagitta.
_PIECES = 4
# Standard deviation of the Gaussian profile of a path along frequency, in channels.
_PATH_WIDTH = 0.3
# Paths per block: so many fit into a processor's cache, and into memory.
_PATHS_PER_BLOCK = 115


@keras.saving.register_keras_serializable("radio_signals")
class DriftSearch(keras.layers.Layer):
    """Finds the paths, bright or dark, with the greatest sums of pixels.

    A path of drift d and sagitta s is f + d (t - 1/2) + s (4 t (1 - t) - 1), with t from 0 to 1.
    Pixels outside the band count as 0. The layer has no weights and passes no gradient.

    Input: float32 [N, H, W], as `StandardRows` returns it.
    Output: two float32 [N, 4], the strongest straight path and the strongest of all paths: f, d
    and s, in widths of the band, and 1 for a bright path or -1 for a dark one.
    """

    def __init__(
        self, drifts: int, sagittas: int, drift: float, sagitta: float, **options: Any
    ) -> None:
        """Create the layer.

        Args:
          drifts: number of drifts, odd. They are evenly spaced.
          sagittas: number of sagittas, odd. They are evenly spaced.
          drift: the largest drift in either direction, in widths of the band over the image.
          sagitta: the largest sagitta in either direction, in widths of the band.
          **options: options of every Keras layer, such as `name`.
        """
        super().__init__(**{"trainable": False, "dtype": "float32", **options})
        self.drifts, self.sagittas = drifts, sagittas
        self.drift, self.sagitta = drift, sagitta

    def build(self, shape: tuple[int, ...]) -> None:
        """Lay out the table of pieces and compute where each path's pieces are in it."""
        rows, channels = shape[1:]
        piece_rows = -(-rows // _PIECES)
        # Empty rows complete the last piece.
        self._padding_rows = piece_rows * _PIECES - rows
        self._channels = channels

        drift = np.linspace(-self.drift, self.drift, self.drifts)[:, None, None] * channels
        sagitta = np.linspace(-self.sagitta, self.sagitta, self.sagittas)[:, None] * channels
        middle = (np.arange(_PIECES) + 0.5) / _PIECES
        # [drifts, sagittas, pieces]: the distance in channels of each piece's centre from the
        # path's centre, and the channels that the piece moves by.
        offset = drift * (middle - 0.5) + 4 * sagitta * (middle * (1 - middle) - 0.25)
        slope = np.round((drift + 4 * sagitta * (1 - 2 * middle)) / _PIECES).astype(int)
        steepest = np.abs(slope).max()
        # The margin covers every path whose centre is inside the band.
        self._margin = int(np.ceil(np.abs(offset).max())) + 1
        line = next_fast_len(channels + 2 * self._margin, real=True)
        slopes = np.arange(-steepest, steepest + 1)
        starts = (np.arange(_PIECES) * len(slopes) + slope + steepest) * line
        starts += self._margin + np.round(offset).astype(int)
        paths = np.stack(np.broadcast_arrays(drift, sagitta), axis=-1).reshape(-1, 2) / channels
        # Neighbouring paths may consist of the same pieces. The search then returns the first of
        # them. The straightest comes first, so that a mirrored image has mirrored paths.
        straightest = np.lexsort(np.abs(paths).round(6).T)
        self._starts = starts.reshape(-1, _PIECES)[straightest].astype(np.int32)
        self._paths = paths[straightest].astype(np.float32)

        self._line = line
        self._slopes = slopes.astype(np.float32)
        time = (np.arange(piece_rows) - (piece_rows - 1) / 2) / piece_rows
        self._time = time.astype(np.float32)
        self._frequencies = (2 * np.pi * np.fft.rfftfreq(line)).astype(np.float32)
        self._window = np.exp(-0.5 * (self._frequencies * _PATH_WIDTH) ** 2)

    def call(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Search a batch."""
        pieces = self._sum_pieces(rows)
        sums = self._sum_paths(pieces)
        straight = np.flatnonzero(np.isclose(self._paths[:, 1], 0, atol=1e-6))
        return (
            self._find_best(pieces, tf.gather(sums, straight, axis=1), straight),
            self._find_best(pieces, sums, np.arange(len(self._paths))),
        )

    def compute_output_shape(
        self, shape: tuple[int | None, ...]
    ) -> tuple[tuple[int | None, int], tuple[int | None, int]]:
        """Return [N, 4] twice."""
        return ((shape[0], 4), (shape[0], 4))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        names = ("drifts", "sagittas", "drift", "sagitta")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _sum_paths(self, pieces: tf.Tensor) -> tf.Tensor:
        """Return each path's greatest sum over all positions, bright and dark: [N, paths, 2]."""
        middles = tf.range(self._channels)

        def sum_block(starts: npt.NDArray[np.int32]) -> tf.Tensor:
            positions = tf.unstack(starts[:, :, np.newaxis] + middles, axis=1)
            sums = tf.add_n([tf.gather(pieces, piece) for piece in positions])
            return tf.stack([tf.reduce_max(sums, 1), -tf.reduce_min(sums, 1)])

        blocks = [
            sum_block(self._starts[first : first + _PATHS_PER_BLOCK])
            for first in range(0, len(self._starts), _PATHS_PER_BLOCK)
        ]
        return tf.transpose(tf.concat(blocks, axis=1), [2, 1, 0])

    def _find_best(
        self, pieces: tf.Tensor, sums: tf.Tensor, members: npt.NDArray[np.int64]
    ) -> tf.Tensor:
        """Return the path with the greatest sum: [N, 4].

        Args:
          pieces: sums of the pieces, from `_sum_pieces`.
          sums: sums of the paths to choose from, from `_sum_paths`.
          members: indices of these paths among all paths.
        """
        best = tf.argmax(tf.reshape(sums, [-1, 2 * len(members)]), axis=1, output_type=tf.int32)
        polarity = 1 - 2 * tf.cast(best % 2, tf.float32)
        path = tf.gather(tf.constant(members.astype(np.int32)), best // 2)
        # Sum this path at every position again, because `_sum_paths` only kept the maximum.
        positions = tf.gather(tf.constant(self._starts), path)[:, :, tf.newaxis]
        positions += tf.range(self._channels)
        images = tf.range(tf.shape(path)[0])[:, tf.newaxis, tf.newaxis]
        images = tf.broadcast_to(images, tf.shape(positions))
        by_position = tf.gather_nd(pieces, tf.stack([positions, images], axis=-1))
        by_position = tf.reduce_sum(by_position, axis=1) * polarity[:, tf.newaxis]
        middle = (tf.cast(tf.argmax(by_position, axis=1), tf.float32) + 0.5) / self._channels
        drift, sagitta = tf.unstack(tf.gather(tf.constant(self._paths), path), axis=1)
        return tf.stack([middle, drift, sagitta, polarity], axis=1)

    def _sum_pieces(self, images: tf.Tensor) -> tf.Tensor:
        """Sum along every piece at every slope: [pieces * slopes * line, N].

        The images come last, so that one copy fetches the sum of a piece for all images.
        """
        above = self._line - self._channels - self._margin
        images = tf.pad(images, [[0, 0], [0, self._padding_rows], [self._margin, above]])
        rows = tf.reshape(images, [tf.shape(images)[0], _PIECES, -1, images.shape[-1]])
        # Summing along a slope shifts the rows of a piece, which rotates phases of their spectra.
        # The graph computes the phases, because as constants they would be most of the exported
        # model.
        shifts = tf.constant(self._slopes)[:, tf.newaxis] * self._time
        phases = shifts[:, :, tf.newaxis] * self._frequencies
        real, imaginary = self._window * tf.cos(phases), self._window * tf.sin(phases)
        sums = sum_filtered_rows(rows, real, imaginary)
        return tf.transpose(tf.reshape(sums, [tf.shape(images)[0], -1]))
