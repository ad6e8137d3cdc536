"""Reduces an observation to the few pixels of a plot, so that narrow signals stay visible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.telescope.bandpass import choose_group, measure_bandpass
from data.telescope.coarse_channels import find_coarse_channels
from data.telescope.observation import Observation
from data.telescope.tiling import blank_dc_channels, select_channels

_MOST_ROWS, _MOST_COLUMNS = 300, 900
_BLOCK_SAMPLES = 2 << 20
_FEW_ROWS = 64


@dataclass(frozen=True)
class Waterfall:
    """Power by time and frequency, in pixels of many rows and channels each.

    Attributes:
      greatest: float32 [rows, columns], the greatest power in a pixel, in units of the median of
        noise at its frequency; 0 where nothing was recorded.
      response: float32 [columns], the median of noise, in the units of the file.
      low_mhz: lower edge of the first column, in MHz.
      high_mhz: upper edge of the last column, in MHz.
      seconds: duration in s.
    """

    greatest: NDArray[np.float32]
    response: NDArray[np.float32]
    low_mhz: float
    high_mhz: float
    seconds: float


def measure_waterfall(
    observation: Observation,
    from_mhz: float | None = None,
    to_mhz: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Waterfall:
    """Read an observation by ranges and reduce it.

    A mean over thousands of channels would hide a signal in one of them, so a pixel has the
    greatest power. DC channels are left out.

    Args:
      observation: the observation.
      from_mhz: lowest frequency, in MHz; None for that of the observation.
      to_mhz: highest frequency, in MHz; None for that of the observation.
      progress: called with (values read, all values).

    Raises:
      InvalidData: the file is damaged, or has no such frequencies.
    """
    header = observation.header
    band = select_channels(header, from_mhz, to_mhz, observation.path)
    coarse = find_coarse_channels(header, None, observation.path)
    group = choose_group(min(coarse.channels or header.channels, len(band)))
    high, wide = -(-header.rows // _MOST_ROWS), -(-len(band) // _MOST_COLUMNS)
    columns = -(-len(band) // wide)
    greatest = np.zeros((-(-header.rows // high), columns), np.float32)
    response = np.zeros(columns, np.float32)
    done, total = 0, header.rows * len(band)
    for rows, channels in _list_blocks(header.rows, band, wide):
        power = observation.read(rows, channels)
        blank_dc_channels(power, coarse, channels)
        bandpass = measure_bandpass(power, group)
        is_recorded = bandpass > 0.0
        factor = np.divide(1.0, bandpass, out=np.zeros_like(bandpass), where=is_recorded)
        first = np.arange(0, len(channels), wide)
        place = (channels.start - band.start) // wide + np.arange(len(first))
        pixels = np.maximum.reduceat(np.nan_to_num(power * factor), first, axis=1)
        np.maximum.at(greatest, np.ix_(np.array(rows) // high, place), pixels)
        response[place] = np.maximum(response[place], np.maximum.reduceat(bandpass, first))
        done += power.size
        if progress is not None:
            progress(done, total)
    half = 0.5 * header.channel_mhz
    return Waterfall(
        greatest,
        response,
        header.frequency(band.start) - half,
        header.frequency(band.stop - 1) + half,
        header.seconds,
    )


def _list_blocks(rows: int, band: range, wide: int) -> Iterator[tuple[range, range]]:
    """Yield ranges of rows and of channels that are read together: whole columns of pixels."""
    channels = wide * max(1, _BLOCK_SAMPLES // (min(rows, _FEW_ROWS) * wide))
    high = max(1, _BLOCK_SAMPLES // min(channels, len(band)))
    for row in range(0, rows, high):
        for channel in range(band.start, band.stop, channels):
            yield (
                range(row, min(row + high, rows)),
                range(channel, min(channel + channels, band.stop)),
            )
