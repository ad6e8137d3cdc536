"""Measures the line in a tile: its frequency, its drift rate and its signal-to-noise ratio.

The power of the tile is summed along straight tracks of every drift rate, as searches for
narrowband signals do. The track with the greatest sum is the line. Power is used, not the grey
levels that the model sees: those fall where the power is greatest.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from data.telescope.observation import Observation
from data.telescope.tiling import Tiling, read_power

# Of noise that is normally distributed, in units of the median absolute deviation.
_DEVIATION = 1.4826

# Of the time of a tile, for a line in it. Less may be a stronger line next to it.
_LEAST_PRESENCE = 1 / 8

_MOST_DEVIATIONS = 4.0

# Columns in which the track is refined.
_NEAR = 2


@dataclass(frozen=True)
class Track:
    """A straight line in a tile.

    Attributes:
      start: where it is when the tile begins, in columns from the centre of the first one.
      drift: columns that it moves until the tile ends.
      snr: its signal-to-noise ratio, see `measure_track`.
      spectrum: float64 [columns], the sum of power along this drift by column in the middle of the
        tile, in standard deviations of the noise from its median.
    """

    start: float
    drift: float
    snr: float
    spectrum: NDArray[np.float64]


def read_strip(
    observation: Observation, tiling: Tiling, number: int
) -> tuple[NDArray[np.float32], int]:
    """Read the power of the pixels of a tile and, where the band has them, as many on either side.

    Args:
      observation: the observation.
      tiling: its tiles.
      number: of the tile.

    Returns:
      float32 [height, columns], power in units of the median of noise, and the first column of the
      tile in it.

    Raises:
      InvalidData: the file is damaged.
    """
    grid, band = tiling.grid, tiling.band
    down, across = divmod(number, tiling.across)
    row = int(tiling.find_rows(np.array(down)))
    first = int(tiling.find_channels(np.array(across)))
    step = grid.decimate_frequency
    left = min(grid.width, (first - band.start) // step)
    right = min(grid.width, (band.stop - first - grid.channels) // step)
    channels = range(first - left * step, first + grid.channels + right * step)
    power = read_power(observation, tiling, range(row, row + grid.rows), channels)
    pixels = power.reshape(grid.height, grid.decimate_time, -1, step).mean(axis=(1, 3))
    # The response is known to some percent. Of a sum over many rows, the noise is less.
    level = median_filter(np.median(pixels, axis=0), grid.width // 2, mode="nearest")
    return pixels / np.maximum(level, np.finfo(np.float32).tiny), left


def measure_track(strip: NDArray[np.float32], left: int, width: int) -> Track:
    """Find the strongest straight line that is in the tile for a while.

    Its drift is at most half the width of the tile. A line that is in several tiles is measured
    alike in all of them, because the neighbourhood of a tile counts too. Its signal-to-noise ratio
    is the sum of power along it, minus the median of such sums, in units of their standard
    deviation. Both are those of all columns of the strip at the same drift; the deviation is taken
    from the median absolute one, so that signals hardly change it. The strongest line in noise
    alone has about 4.

    Args:
      strip: float32 [height, columns], power of the tile and its neighbourhood.
      left: first column of the tile.
      width: columns of the tile.
    """
    reach, beyond = width // 2, width // 4
    drifts = np.arange(-reach, reach + 1)
    middles = np.arange(max(-beyond, -left), min(width + beyond, strip.shape[1] - left))
    power = strip - np.median(strip)
    # A few rows of a stronger line next to it, or a burst, do not outweigh all rows of a line.
    most = _MOST_DEVIATIONS * _DEVIATION * float(np.median(np.abs(power)))
    sums = _sum_tracks(np.minimum(power, most), drifts, left + middles)
    is_in_tile = _measure_presence(drifts, middles, width) >= _LEAST_PRESENCE
    best = np.unravel_index(np.where(is_in_tile, sums, -np.inf).argmax(), sums.shape)
    drift, middle = _refine(power, int(drifts[best[0]]), left + int(middles[best[1]]))
    spectrum = _sum_tracks(power, np.array([round(drift)]), np.arange(strip.shape[1]))[0]
    spectrum -= np.median(spectrum)
    spectrum /= max(_DEVIATION * float(np.median(np.abs(spectrum))), sys.float_info.min)
    snr = float(spectrum[round(middle)])
    return Track(middle - left - 0.5 * drift, drift, snr, spectrum[left : left + width])


def _sum_tracks(
    power: NDArray[np.float32], drifts: NDArray[np.int64], middles: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the sums of power along tracks, float64 [drifts, middles].

    Args:
      power: float32 [height, columns]. Beyond the edges of the band, the noise is mirrored.
      drifts: columns that a track moves until the tile ends.
      middles: consecutive columns in the middle of the tile.
    """
    height = len(power)
    # Distance of a track from its middle, in columns, at the centre of each row.
    time = (np.arange(height) + 0.5) / height - 0.5
    shifts = np.rint(drifts[:, np.newaxis] * time).astype(int)
    margin = int(np.abs(shifts).max())
    padded = np.pad(power, ((0, 0), (margin, margin)), mode="symmetric")
    sums = np.zeros((len(drifts), len(middles)))
    for row, shift in zip(padded, shifts.T, strict=True):
        sums += sliding_window_view(row, len(middles))[margin + middles[0] + shift]
    return sums


def _refine(power: NDArray[np.float32], drift: int, middle: int) -> tuple[float, float]:
    """Return drift and middle of the track near one whose sum is greatest, between columns too."""
    near = np.arange(-_NEAR, _NEAR + 1)
    middles = np.clip(middle + near, 0, power.shape[1] - 1)
    sums = _sum_tracks(power, drift + near, np.arange(middles[0], middles[-1] + 1))
    row, column = (int(number) for number in np.unravel_index(sums.argmax(), sums.shape))
    return (
        float(drift + near[row] + _find_peak(sums[:, column], row)),
        float(middles[0] + column + _find_peak(sums[row], column)),
    )


def _measure_presence(
    drifts: NDArray[np.int64], middles: NDArray[np.int64], width: int
) -> NDArray[np.float64]:
    """Return the fraction of time for which tracks are in the tile, [drifts, middles]."""
    half = 0.5 * np.abs(drifts)[:, np.newaxis] + 0.5
    inside = np.minimum(middles + half, width - 0.5) - np.maximum(middles - half, -0.5)
    return np.maximum(inside, 0.0) / (2.0 * half)


def _find_peak(values: NDArray[np.float64], place: int) -> float:
    """Return how far from a maximum the parabola through it and its neighbours has its peak."""
    if not 0 < place < len(values) - 1:
        return 0.0
    before, at, after = values[place - 1 : place + 2]
    curvature = before - 2.0 * at + after
    return float(0.5 * (before - after) / curvature) if curvature < 0.0 else 0.0
