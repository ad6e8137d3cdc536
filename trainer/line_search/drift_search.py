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

from trainer.line_search.arithmetic import sum_rows, uses_lite_operations

# Straight pieces of a path. A curved path departs from its pieces by a sixteenth of its sagitta.
_PIECES = 4
# Standard deviation of the Gaussian profile of a path along frequency, in channels.
_PATH_WIDTH = 0.3
# Channels beyond the end of a piece to which its profile extends.
_TAIL = 2
# Positions at a time. The sums of all paths at so many positions fit into a processor's cache.
_POSITIONS_PER_BLOCK = 16
# Smallest fraction of its rows in which a path must be inside the band.
_LEAST_INSIDE = 0.45
# Copying runs of values takes less time than copying each of them. For so few images, the copies of
# the table that runs can be read from are worth their time.
_FEW_IMAGES = 4
_RUN = 8


@keras.saving.register_keras_serializable("radio_signals")
class DriftSearch(keras.layers.Layer):
    """Finds the paths, bright or dark, with the greatest sums of pixels.

    A path of drift d and sagitta s is f + d (t - 1/2) + s (4 t (1 - t) - 1), with t from 0 to 1.
    Where a path is outside the band, there are no pixels to add up, and less noise. A sum is
    therefore divided by the square root of the fraction of rows in which its path is inside. Paths
    that are inside in fewer than 45 % of the rows are not searched. The layer has no weights and
    passes no gradient.

    Input: float32 [N, H, W], as `StandardRows` returns it.
    Output: float32 [N, 2, 4], the strongest straight path and the strongest of all paths: f, d and
    s, in widths of the band, and 1 for a bright path or -1 for a dark one.
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
        steepest = int(np.abs(slope).max())
        # The margin covers every path whose centre is inside the band.
        margin = int(np.ceil(np.abs(offset).max())) + 1
        self._line = channels + 2 * margin
        # Pieces further outside the band than this have no pixel inside it.
        near = min(margin, -(-steepest // 2) + _TAIL)
        self._outside = margin - near
        self._inner_line = channels + 2 * near
        # The table's order is [position, slope, piece], as `_sum_pieces` computes it.
        self._stride = (2 * steepest + 1) * _PIECES
        starts = (margin + np.round(offset).astype(int)) * self._stride
        starts += (slope + steepest) * _PIECES + np.arange(_PIECES)
        paths = np.stack(np.broadcast_arrays(drift, sagitta), axis=-1).reshape(-1, 2) / channels
        # Neighbouring paths may consist of the same pieces. The search then returns the first of
        # them. The straightest come first, so that a mirrored image has mirrored paths.
        straightest = np.lexsort(np.abs(paths).round(6).T)
        self._starts = starts.reshape(-1, _PIECES)[straightest].astype(np.int32)
        self._paths = paths[straightest].astype(np.float32)
        self._rows_inside = self._count_rows_inside(rows)
        # A piece belongs to three paths on average.
        self._pieces, members = np.unique(self._starts, return_inverse=True)
        self._members = members.reshape(self._starts.shape).astype(np.int32)

        self._slopes = np.arange(-steepest, steepest + 1)
        self._time = (np.arange(piece_rows) - (piece_rows - 1) / 2) / piece_rows
        self._frequencies = 2 * np.pi * np.fft.rfftfreq(self._inner_line)
        self._window = np.exp(-0.5 * (self._frequencies * _PATH_WIDTH) ** 2)
        self._positions = np.arange(near, near + channels)

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        """Search a batch."""
        pieces = self._sum_pieces(rows)
        weights = self._weigh_paths(rows.shape[1])
        sums = self._sum_paths(pieces, weights)
        # Straight paths come first.
        best = tf.stack([tf.argmax(sums[: self.drifts]), tf.argmax(sums)], axis=1)
        return self._describe(pieces, weights, tf.cast(best, tf.int32))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return [N, 2, 4]."""
        return (shape[0], 2, 4)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        names = ("drifts", "sagittas", "drift", "sagitta")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _count_rows_inside(self, rows: int) -> npt.NDArray[np.uint8]:
        """Count the rows in which each path is inside the band: [paths, positions].

        Bytes, because the exported model holds them.
        """
        time = (np.arange(rows) + 0.5) / rows
        drift, sagitta = self._paths.T[..., np.newaxis]
        offset = drift * (time - 0.5) + sagitta * (4 * time * (1 - time) - 1)
        position = (np.arange(self._channels)[:, np.newaxis] + 0.5) / self._channels
        where = offset[:, np.newaxis] + position
        return np.sum((where > 0) & (where < 1), axis=2, dtype=np.uint8)

    def _weigh_paths(self, rows: int) -> tf.Tensor:
        """Return by what to multiply the sum of each path: [paths, positions]."""
        inside = tf.cast(tf.constant(self._rows_inside), tf.float32) / rows
        return tf.where(inside < _LEAST_INSIDE, 0.0, tf.math.rsqrt(inside))

    def _sum_paths(self, pieces: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Return the largest size of each path's weighted sums over all positions: [paths, N].

        The sum of a dark path is negative.
        """

        def search_blocks() -> tf.Tensor:
            size = min(_POSITIONS_PER_BLOCK, self._channels)
            steps = tf.constant(np.arange(size, dtype=np.int32) * self._stride)

            def search_block(number: tf.Tensor, largest: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                # The last block may repeat positions of the one before.
                first = tf.minimum(number * size, self._channels - size)
                places = tf.constant(self._pieces)[:, tf.newaxis] + (steps + first * self._stride)
                weights_of_block = tf.slice(weights, [0, first], [-1, size])
                of_block = self._find_largest(tf.gather(pieces, places), weights_of_block)
                return number + 1, tf.maximum(largest, of_block)

            _, largest = tf.while_loop(
                lambda number, _: number * size < self._channels,
                search_block,
                (0, tf.zeros([len(self._members), tf.shape(pieces)[1]])),
            )
            return largest

        def search_few() -> tf.Tensor:
            return self._find_largest(self._copy_runs(pieces), weights)

        if uses_lite_operations() or self._channels % _RUN:
            return search_blocks()
        is_many = tf.shape(pieces)[1] > _FEW_IMAGES
        return tf.cond(is_many, search_blocks, search_few)

    def _find_largest(self, pieces: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Return the largest size of each path's weighted sums over some positions: [paths, N].

        Args:
          pieces: sums of each piece at each position, for all images.
          weights: of each path at each position, [paths, positions].
        """
        # A row for each piece, so that the sum of a path is the sum of a few long rows.
        rows = tf.reshape(pieces, [len(self._pieces), -1])
        sums = sum_rows(rows, tf.constant(self._members))
        sums = tf.reshape(sums, [*weights.shape, -1])
        return tf.reduce_max(tf.abs(sums) * weights[..., tf.newaxis], axis=1)

    def _copy_runs(self, pieces: tf.Tensor) -> tf.Tensor:
        """Return the sums of each piece at all positions, [pieces, runs, run N], for few images.

        A table of runs holds those that begin at multiples of their length. As many copies of the
        table, each of which begins one value later, hold all.
        """
        line = -(-self._line // _RUN) * _RUN
        table = tf.reshape(pieces, [self._line, self._stride, -1])
        # Now positions are next to each other.
        table = tf.pad(tf.transpose(table, [1, 0, 2]), [[0, 0], [0, line - self._line], [0, 0]])
        images = tf.shape(pieces)[1]
        length = self._stride * line + 1
        copy = tf.concat([tf.reshape(table, [-1]), tf.zeros([images])], axis=0)
        runs = tf.reshape(tf.tile(copy, [_RUN]), [length, -1])
        position, piece = np.divmod(self._pieces, self._stride)
        place = piece * line + position
        place += -place % _RUN * length
        places = place[:, np.newaxis] // _RUN + np.arange(self._channels // _RUN)
        return tf.gather(runs, tf.constant(places.astype(np.int32)))

    def _describe(self, pieces: tf.Tensor, weights: tf.Tensor, best: tf.Tensor) -> tf.Tensor:
        """Return paths as the layer does: [N, choices, 4].

        Args:
          pieces: sums of the pieces, from `_sum_pieces`.
          weights: of each path at each position, [paths, positions].
          best: int32 [N, choices], which of the paths were chosen.
        """
        # Sum each path at every position again, because `_sum_paths` only kept the largest size.
        positions = tf.gather(tf.constant(self._starts), best)[..., tf.newaxis]
        positions += tf.range(self._channels) * self._stride
        count = tf.shape(best)[0]
        images = tf.reshape(tf.range(count), [-1, 1, 1, 1])
        by_position = tf.gather(tf.reshape(pieces, [-1]), positions * count + images)
        by_position = tf.reduce_sum(by_position, axis=2) * tf.gather(weights, best)
        is_dark = tf.reduce_max(by_position, axis=2) < -tf.reduce_min(by_position, axis=2)
        polarity = tf.where(is_dark, -1.0, 1.0)
        by_position *= polarity[..., tf.newaxis]
        middle = (tf.cast(tf.argmax(by_position, axis=2), tf.float32) + 0.5) / self._channels
        drift, sagitta = tf.unstack(tf.gather(tf.constant(self._paths), best), axis=2)
        return tf.stack([middle, drift, sagitta, polarity], axis=2)

    def _sum_pieces(self, images: tf.Tensor) -> tf.Tensor:
        """Sum along every piece at every slope: [positions * slopes * pieces, N].

        The images come last, so that one copy fetches the sum of a piece for all images. Summing
        along a slope shifts the rows of a piece, which rotates the phases of their spectra. Fourier
        transforms of this length take less time as products of matrices. The graph computes the
        matrices, because as constants they would be most of the exported model.
        """
        count = tf.shape(images)[0]
        rows = tf.pad(images, [[0, 0], [0, self._padding_rows], [0, 0]])
        rows = tf.reshape(rows, [count, _PIECES, -1, self._channels])
        rows = tf.reshape(tf.transpose(rows, [3, 2, 1, 0]), [self._channels, -1])
        frequencies = len(self._frequencies)
        # Positions are counted from the middle of the line, about which waves are symmetric.
        positions = np.arange(self._inner_line) - (self._inner_line - 1) / 2
        spectra = tf.matmul(_compute_waves(self._frequencies, positions[self._positions]), rows)
        spectra = tf.reshape(spectra, [frequencies, 2 * len(self._time), -1])
        # A frequency stands for its negative as well, unless they are the same.
        weights = np.where(np.isclose(np.sin(self._frequencies), 0), 1, 2) / self._inner_line
        half = positions[positions >= 0]
        waves = _compute_waves(self._frequencies, half, weights)
        waves = tf.reshape(waves, [frequencies, 2, len(half)])
        even, odd = (
            tf.matmul(
                waves[:, part],
                tf.reshape(tf.matmul(filters, spectra), [frequencies, -1]),
                transpose_a=True,
            )
            for part, filters in enumerate(self._compute_filters())
        )
        before = tf.reverse(even - odd, [0])[: self._inner_line // 2]
        outside = tf.zeros([self._outside, self._stride * count])
        sums = tf.concat([outside, before, even + odd, outside], axis=0)
        return tf.reshape(sums, [self._line * self._stride, count])

    def _compute_filters(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return what sums the rows of a piece along each slope, from their spectra to the sum's.

        One for the real part of the sum, and one for the imaginary part. Each is [frequencies,
        slopes, 2 rows]; real parts of the rows precede imaginary parts.
        """
        shifts = self._frequencies[:, np.newaxis] * self._slopes
        phases = tf.constant(shifts.astype(np.float32))[:, :, tf.newaxis]
        phases *= self._time.astype(np.float32)
        window = self._window.astype(np.float32)[:, np.newaxis, np.newaxis]
        real, imaginary = window * tf.cos(phases), window * tf.sin(phases)
        return tf.concat([real, -imaginary], axis=2), tf.concat([imaginary, real], axis=2)


def _compute_waves(
    frequencies: npt.NDArray[Any], positions: npt.NDArray[Any], weights: npt.ArrayLike = 1.0
) -> tf.Tensor:
    """Return the matrix of a Fourier transform: [2 frequencies, positions].

    A row for the real part and a row for the imaginary part of each frequency alternate.
    """
    phases = tf.constant(frequencies.astype(np.float32))[:, tf.newaxis]
    phases *= positions.astype(np.float32)
    waves = tf.stack([tf.cos(phases), -tf.sin(phases)], axis=1)
    waves *= np.broadcast_to(weights, frequencies.shape).astype(np.float32)[:, None, None]
    return tf.reshape(waves, [-1, len(positions)])
