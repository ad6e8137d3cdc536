"""Learns from simulations how noise and a tone look in a rendered image.

Positions are in pixels. A tone of frequency f (in band widths) is centred at x = 128 f - 0.375,
because a pixel averages the four FFT channels from 4 x to 4 x + 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.simulation.classes import WALK_STEPS, Signal
from data.simulation.paths import straight_path, wandering_path
from data.simulation.spectrogram import simulate_spectrogram

HEIGHT, WIDTH = 64, 128

PHASE = 0.125
"""Distance in pixels between neighbouring positions of a profile's centre."""

REACH = 14
"""Pixels by which a profile extends to either side."""

_OFFSETS = int(2 * REACH / PHASE) + 1


def standardise(images: np.ndarray) -> np.ndarray:
    """Return darkness in standard deviations of each image's background.

    Mean and standard deviation are computed iteratively from the values within three standard
    deviations. The median would be a whole grey level, which is up to 0.06 standard deviations off
    the centre. Over a line of 64 rows that adds up to half a standard deviation of the sum.

    Args:
      images: uint8 [n, height, width].

    Returns:
      float32 [n, height, width], positive where darker than the background.
    """
    values = images.astype(np.float32)
    kept = np.ones(values.shape, bool)
    for _ in range(4):
        count = kept.sum(axis=(1, 2), keepdims=True)
        centre = np.sum(values, axis=(1, 2), keepdims=True, where=kept) / count
        square = np.square(values - centre)
        deviation = np.sqrt(np.sum(square, axis=(1, 2), keepdims=True, where=kept) / count)
        deviation = np.maximum(deviation, 0.5)
        kept = np.abs(values - centre) < 3.0 * deviation
    return (centre - values) / deviation


@dataclass(frozen=True)
class Whitening:
    """Removes the correlation between pixels of noise that the anti-aliasing filter causes.

    Attributes:
      along_time: float32 [height, height].
      along_frequency: float32 [width, width].
    """

    along_time: np.ndarray
    along_frequency: np.ndarray

    @classmethod
    def learn(cls, count: int, seed: int) -> Whitening:
        """Learn from simulated images without a signal."""
        rng = np.random.default_rng(seed)
        images = np.stack([simulate_spectrogram(None, HEIGHT, WIDTH, rng) for _ in range(count)])
        noise = standardise(images)
        noise -= noise.mean(axis=(1, 2), keepdims=True)
        return cls(*(_invert_root(_autocorrelate(noise, axis)) for axis in (1, 2)))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Turn images, uint8 [n, height, width], into whitened standardised darkness, float32."""
        dark = standardise(images)
        return self.along_time @ dark @ self.along_frequency


def _autocorrelate(noise: np.ndarray, axis: int) -> np.ndarray:
    """Return the correlation matrix along an axis, from correlations at distances up to three."""
    length = noise.shape[axis]
    rows = np.moveaxis(noise, axis, -1)
    variance = np.mean(rows * rows)
    matrix = np.eye(length)
    for lag in range(1, 4):
        correlation = np.mean(rows[..., lag:] * rows[..., :-lag]) / variance
        matrix += correlation * (np.eye(length, k=lag) + np.eye(length, k=-lag))
    return matrix


def _invert_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return ((vectors / np.sqrt(values)) @ vectors.T).astype(np.float32)


def _compute_row_ends(signal: Signal) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions in pixels at which a signal enters and leaves every row."""
    position = 128.0 * signal.path(np.linspace(0.0, 1.0, HEIGHT + 1)) - 0.375
    return position[:-1], position[1:]


@dataclass(frozen=True)
class Profiles:
    """Mean whitened darkness around a tone, by the distance it moves within the row.

    Attributes:
      moves: distances in pixels from the beginning to the end of a row, float [k], ascending from
        0.
      mean: float32 [k, offsets] for a tone that moves to the right; the offsets run from -REACH to
        REACH in steps of PHASE.
      strengths: strengths in decibels, float [s].
      amplitudes: factors for `mean` at those strengths, float [s].
    """

    moves: np.ndarray
    mean: np.ndarray
    strengths: np.ndarray
    amplitudes: np.ndarray

    def make_bank(self, move: float, positions: np.ndarray) -> np.ndarray:
        """Return the filters for a tone at each position.

        Args:
          move: distance in pixels within the row; negative to the left.
          positions: multiples of PHASE. Outside the band a tone is silent and its filter is 0.

        Returns:
          float32 [width, positions].
        """
        profile = self.mean[np.argmin(np.abs(self.moves - abs(move)))]
        profile = profile[::-1] if move < 0 else profile
        offset = np.arange(WIDTH)[:, None] - positions[None, :]
        index = np.rint((offset + REACH) / PHASE).astype(int)
        inside = (index >= 0) & (index < _OFFSETS)
        inside &= (positions > -0.5) & (positions < WIDTH - 0.5)
        return np.where(inside, profile[np.clip(index, 0, _OFFSETS - 1)], 0).astype(np.float32)


def learn_profiles(
    draw: Callable[[np.random.Generator, float], Signal],
    moves: np.ndarray,
    strengths: np.ndarray,
    reference: float,
    whiten: Whitening,
    seed: int,
    count: int,
    smoothing: float,
) -> Profiles:
    """Average over simulated tones with known paths.

    Args:
      draw: draws one tone of a strength in decibels.
      moves: see `Profiles`.
      strengths: see `Profiles`.
      reference: strength in decibels at which profiles are learned.
      whiten: the whitening of the noise.
      seed: seed of the simulation.
      count: images for the profiles. The amplitude at each strength gets a quarter as many.
      smoothing: standard deviation in pixels of the Gaussian that smooths a profile.
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    total = np.zeros((len(moves), _OFFSETS))
    hits = np.zeros((len(moves), _OFFSETS))
    for dark, kind, columns in _simulate_aligned_rows(draw, reference, count, whiten, rng, moves):
        np.add.at(total, (kind, columns), dark)
        np.add.at(hits, (kind, columns), 1.0)
    # Moves are smoothed too, by less than one step, because the greatest are rare.
    total, hits = (gaussian_filter(sums, (0.7, smoothing / PHASE)) for sums in (total, hits))
    mean = total / np.maximum(hits, 1e-9)
    # Far from the tone only the background remains; its median is the offset.
    mean -= np.median(mean[:, : int(3 / PHASE)])
    amplitudes = []
    for strength in strengths:
        projected = norm = 0.0
        rows = _simulate_aligned_rows(draw, strength, max(count // 4, 10), whiten, rng, moves)
        for dark, kind, columns in rows:
            profile = mean[kind, columns]
            projected += profile @ dark
            norm += profile @ profile
        amplitudes.append(projected / norm)
    return Profiles(moves, mean.astype(np.float32), strengths, np.array(amplitudes))


def _simulate_aligned_rows(draw, strength, count, whiten, rng, moves):
    """Yield the pixels around simulated tones: darkness, index of the move, index of the offset."""
    for _ in range(count):
        signal = draw(rng, strength)
        dark = whiten(simulate_spectrogram(signal, HEIGHT, WIDTH, rng)[None])[0]
        begin, end = _compute_row_ends(signal)
        middle, move = 0.5 * (begin + end), end - begin
        kind = np.abs(np.abs(move)[:, None] - moves).argmin(axis=1)
        columns = np.rint((np.arange(WIDTH) - middle[:, None] + REACH) / PHASE).astype(int)
        columns = np.where(move[:, None] < 0, _OFFSETS - 1 - columns, columns)
        inside = (np.minimum(begin, end) > -0.5) & (np.maximum(begin, end) < WIDTH - 0.5)
        good = (columns >= 0) & (columns < _OFFSETS) & inside[:, None]
        yield dark[good], np.broadcast_to(kind[:, None], columns.shape)[good], columns[good]


def draw_straight_tone(rng: np.random.Generator, strength: float) -> Signal:
    """Draw a straight line, up to the greatest drift of any curve of the hard preset."""
    return Signal(straight_path(rng.uniform(0.0, 1.0), rng.uniform(-0.9, 0.9)), strength)


def draw_wandering_tone(rng: np.random.Generator, strength: float, deviation: float) -> Signal:
    """Draw a random walk with a standard deviation in pixels from row to row."""
    scale = deviation / WIDTH * np.sqrt(HEIGHT / WALK_STEPS)
    steps = rng.normal(0.0, scale, WALK_STEPS)
    drift = rng.uniform(-0.5, 0.5)
    return Signal(wandering_path(rng.uniform(0.2, 0.8), drift, steps), strength)
