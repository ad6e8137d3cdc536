"""What noise and a tone look like in a rendered image: learned from simulations made for it.

Positions are in pixels: x = 128 f - 0.375 is where a tone of frequency f (band widths) is centred,
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
"""Pixels between two neighbouring positions that a profile can be centred on."""

REACH = 14
"""Pixels either way that a profile extends."""

_OFFSETS = int(2 * REACH / PHASE) + 1


def standardise(images: np.ndarray) -> np.ndarray:
    """Darkness in standard deviations of each image's background.

    Mean and deviation are of what lies within three deviations, found in turn. The median would be
    a whole grey level, up to 0.06 deviations beside the centre: one deviation of the sum over a
    line of 64 rows.

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
        spread = np.sqrt(np.sum(square, axis=(1, 2), keepdims=True, where=kept) / count)
        spread = np.maximum(spread, 0.5)
        kept = np.abs(values - centre) < 3.0 * spread
    return (centre - values) / spread


@dataclass(frozen=True)
class Whitening:
    """Undoes the correlation that the anti-aliasing filter leaves between pixels of noise.

    Attributes:
      along_time: float32 [height, height].
      along_frequency: float32 [width, width].
    """

    along_time: np.ndarray
    along_frequency: np.ndarray

    @classmethod
    def of_noise(cls, count: int, seed: int) -> Whitening:
        """Learned from simulated images without a signal."""
        rng = np.random.default_rng(seed)
        images = np.stack([simulate_spectrogram(None, HEIGHT, WIDTH, rng) for _ in range(count)])
        noise = standardise(images)
        noise -= noise.mean(axis=(1, 2), keepdims=True)
        return cls(*(_inverse_root(_autocorrelation(noise, axis)) for axis in (1, 2)))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Images uint8 [n, height, width] to white standardised darkness, float32."""
        dark = standardise(images)
        return self.along_time @ dark @ self.along_frequency


def _autocorrelation(noise: np.ndarray, axis: int) -> np.ndarray:
    """Correlation matrix along an axis from the correlations at distances up to three."""
    length = noise.shape[axis]
    rows = np.moveaxis(noise, axis, -1)
    variance = np.mean(rows * rows)
    matrix = np.eye(length)
    for lag in range(1, 4):
        correlation = np.mean(rows[..., lag:] * rows[..., :-lag]) / variance
        matrix += correlation * (np.eye(length, k=lag) + np.eye(length, k=-lag))
    return matrix


def _inverse_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return ((vectors / np.sqrt(values)) @ vectors.T).astype(np.float32)


def row_ends(signal: Signal) -> tuple[np.ndarray, np.ndarray]:
    """Positions, in pixels, at which a signal enters and leaves every row of the image."""
    at = 128.0 * signal.path(np.linspace(0.0, 1.0, HEIGHT + 1)) - 0.375
    return at[:-1], at[1:]


@dataclass(frozen=True)
class Profiles:
    """Mean whitened darkness about a tone, by how far it moves within the row.

    Attributes:
      moves: pixels from the beginning to the end of a row, float [k]; from 0 up.
      mean: float32 [k, offsets], offsets from -REACH to REACH in steps of PHASE; of a tone that
        moves to the right.
      strengths: decibels, float [s].
      amplitudes: what `mean` is multiplied by at those strengths, float [s].
    """

    moves: np.ndarray
    mean: np.ndarray
    strengths: np.ndarray
    amplitudes: np.ndarray

    def bank(self, move: float, positions: np.ndarray) -> np.ndarray:
        """Filters for a tone at each position, float32 [width, positions].

        Args:
          move: pixels within the row; negative to the left.
          positions: multiples of PHASE. Outside the band, where a tone is silent, filters are 0.
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
    """Average over simulated tones whose paths are known.

    Args:
      draw: one tone of a given strength.
      moves: see `Profiles`.
      strengths: decibels.
      reference: the strength at which profiles are learned.
      whiten: of the noise.
      seed: of the simulation.
      count: images for the profiles; a quarter of it for the amplitude at each strength.
      smoothing: standard deviation, in pixels, of what smooths a profile.
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    total = np.zeros((len(moves), _OFFSETS))
    hits = np.zeros((len(moves), _OFFSETS))
    for dark, kind, columns in _aligned_rows(draw, reference, count, whiten, rng, moves):
        np.add.at(total, (kind, columns), dark)
        np.add.at(hits, (kind, columns), 1.0)
    # Neighbouring moves are smoothed by less than one step: the greatest are seldom seen.
    total, hits = (gaussian_filter(part, (0.7, smoothing / PHASE)) for part in (total, hits))
    mean = total / np.maximum(hits, 1e-9)
    # Far from the tone is background: what is left there is its offset from the median.
    mean -= np.median(mean[:, : int(3 / PHASE)])
    amplitudes = []
    for strength in strengths:
        projected = norm = 0.0
        rows = _aligned_rows(draw, strength, max(count // 4, 10), whiten, rng, moves)
        for dark, kind, columns in rows:
            profile = mean[kind, columns]
            projected += profile @ dark
            norm += profile @ profile
        amplitudes.append(projected / norm)
    return Profiles(moves, mean.astype(np.float32), strengths, np.array(amplitudes))


def _aligned_rows(draw, strength, count, whiten, rng, moves):
    """Pixels about simulated tones, image by image: darkness, index of the move, of the offset."""
    for _ in range(count):
        signal = draw(rng, strength)
        dark = whiten(simulate_spectrogram(signal, HEIGHT, WIDTH, rng)[None])[0]
        begin, end = row_ends(signal)
        middle, move = 0.5 * (begin + end), end - begin
        kind = np.abs(np.abs(move)[:, None] - moves).argmin(axis=1)
        columns = np.rint((np.arange(WIDTH) - middle[:, None] + REACH) / PHASE).astype(int)
        columns = np.where(move[:, None] < 0, _OFFSETS - 1 - columns, columns)
        inside = (np.minimum(begin, end) > -0.5) & (np.maximum(begin, end) < WIDTH - 0.5)
        good = (columns >= 0) & (columns < _OFFSETS) & inside[:, None]
        yield dark[good], np.broadcast_to(kind[:, None], columns.shape)[good], columns[good]


def straight_tone(rng: np.random.Generator, strength: float) -> Signal:
    """A straight line as tilted as any curve of the hard preset."""
    return Signal(straight_path(rng.uniform(0.0, 1.0), rng.uniform(-0.9, 0.9)), strength)


def wandering_tone(rng: np.random.Generator, strength: float, deviation: float) -> Signal:
    """A random walk of that deviation from row to row, in pixels."""
    scale = deviation / WIDTH * np.sqrt(HEIGHT / WALK_STEPS)
    steps = rng.normal(0.0, scale, WALK_STEPS)
    drift = rng.uniform(-0.5, 0.5)
    return Signal(wandering_path(rng.uniform(0.2, 0.8), drift, steps), strength)
