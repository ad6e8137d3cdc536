"""Cuts an observation into spectrogram tiles, each rendered as a training image.

A tile is a range of rows and channels. Its power is divided by the telescope's response
(`data.telescope.bandpass`), scaled to the noise of a simulated image, and rendered by the
simulator's own steps: logarithm, division by the greatest value, jet, luma. A model that was
trained on simulated images therefore sees what it knows.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.simulation.spectrogram import NOISE_DEVIATION
from data.spectrogram import render_logarithms
from data.telescope.bandpass import choose_group, measure_bandpass
from data.telescope.coarse_channels import CoarseChannels, find_coarse_channels
from data.telescope.header import Header
from data.telescope.observation import Observation

TILE = np.dtype(
    [
        ("tile", np.int64),
        ("centre_mhz", np.float64),
        ("start_mhz", np.float64),
        ("start_mjd", np.float64),
        ("channel_width_hz", np.float64),
        ("sample_time_s", np.float64),
        ("edge_fraction", np.float64),
    ]
)
"""What is known of a tile.

* tile: its number, from the earliest tile with the lowest frequency upwards in frequency, then on
  in time;
* centre_mhz, start_mhz: the frequency of its middle, and of the centre of its first column, in MHz;
* start_mjd: the time at which its first row begins, a Modified Julian Date;
* channel_width_hz: from one column to the next, in Hz, positive;
* sample_time_s: from one row to the next, in s;
* edge_fraction: the fraction of it at the edges of coarse channels, 0 to 1.
"""

Tiles = tuple[NDArray[np.void], NDArray[np.uint8]]
"""Some tiles: `TILE` [n] and uint8 [n, height, width]."""

# Samples that are normalised together, and those that are rendered together: the second fit in the
# cache of a core.
_BLOCK_SAMPLES = 1 << 21
_BATCH_SAMPLES = 1 << 18

# Where the chunks under a block do not stay in HDF5's cache, larger blocks read them less often.
_CACHED_SAMPLES = 1 << 25
_LARGE_BLOCK_SAMPLES = 1 << 24

# Noise whose power is exponentially distributed has this median, in units of its mean.
_MEDIAN = math.log(2.0)
_MOST_POWER = np.float32(1e30)


@dataclass(frozen=True)
class Grid:
    """How an observation is to be cut.

    Attributes:
      height: rows of an image.
      width: columns of an image.
      overlap: fraction of a tile that it shares with its neighbour in frequency, 0 to below 1.
      time_overlap: whether neighbours in time share as much.
      decimate_time: rows of the observation in a row of the image.
      decimate_frequency: channels of the observation in a column of the image.
      from_mhz: lowest frequency of tiles, in MHz; None for that of the observation.
      to_mhz: highest frequency of tiles, in MHz; None for that of the observation.
      coarse_channels: number of coarse channels in the observation; 0 for none; None to conclude
        it from the width of a channel.
    """

    height: int = 16
    width: int = 512
    overlap: float = 0.5
    time_overlap: bool = False
    decimate_time: int = 1
    decimate_frequency: int = 1
    from_mhz: float | None = None
    to_mhz: float | None = None
    coarse_channels: int | None = None

    @property
    def rows(self) -> int:
        """Rows of the observation in a tile."""
        return self.height * self.decimate_time

    @property
    def channels(self) -> int:
        """Channels of the observation in a tile."""
        return self.width * self.decimate_frequency


class Tiling:
    """The tiles of one observation.

    Attributes:
      grid: how it is cut.
      header: header of the observation.
      band: the channels that are cut.
      coarse: its coarse channels.
      across: number of tiles along frequency.
      down: number of tiles along time.
      group: channels over which the telescope's response is taken as smooth.
      noise: median power that noise gets, that of a simulated image.
    """

    def __init__(self, observation: Observation, grid: Grid) -> None:
        """Place the tiles.

        Raises:
          InvalidData: not one tile fits, or the observation does not fit the grid.
        """
        self.grid, self.header = grid, observation.header
        path = observation.path
        self.coarse = find_coarse_channels(self.header, grid.coarse_channels, path)
        self.band = select_channels(self.header, grid.from_mhz, grid.to_mhz, path)
        self._row_step = _find_step(grid.rows, grid.overlap if grid.time_overlap else 0.0)
        self._channel_step = _find_step(grid.channels, grid.overlap)
        for there, needed, unit, option in (
            (self.header.rows, grid.rows, "rows", "height"),
            (len(self.band), grid.channels, "channels", "width"),
        ):
            if there < needed:
                raise InvalidData(
                    f"{path} has {there:,} {unit} to cut, fewer than the {needed:,} of a tile. "
                    f"Lower --{option}."
                )
        self.down = 1 - (grid.rows - self.header.rows) // self._row_step
        self.across = 1 - (grid.channels - len(self.band)) // self._channel_step
        self.group = choose_group(self.coarse.channels or self.header.channels)
        self.noise = np.float32(2.0 * NOISE_DEVIATION**2 * grid.channels * _MEDIAN)

    def __len__(self) -> int:
        return self.down * self.across

    def find_rows(self, down: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first row of tiles, by their places along time. The last one ends it all."""
        return np.minimum(down * self._row_step, self.header.rows - self.grid.rows)

    def find_channels(self, across: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first channel of tiles, by their places along frequency."""
        last = len(self.band) - self.grid.channels
        return self.band.start + np.minimum(across * self._channel_step, last)

    def describe(self, numbers: NDArray[np.int64]) -> NDArray[np.void]:
        """Return what is known of the tiles with these numbers, as `TILE` [n]."""
        down, across = np.divmod(numbers, self.across)
        channels, grid, header = self.find_channels(across), self.grid, self.header
        tiles = np.zeros(len(numbers), TILE)
        tiles["tile"] = numbers
        # To a millihertz and a microsecond: more digits are those of rounding errors.
        middle = header.frequency(channels + 0.5 * (grid.channels - 1))
        tiles["centre_mhz"] = np.round(middle, 9)
        first = header.frequency(channels + 0.5 * (grid.decimate_frequency - 1))
        tiles["start_mhz"] = np.round(first, 9)
        tiles["start_mjd"] = np.round(header.mjd(self.find_rows(down)), 11)
        tiles["channel_width_hz"] = round(1e6 * header.channel_mhz * grid.decimate_frequency, 9)
        tiles["sample_time_s"] = round(header.row_seconds * grid.decimate_time, 12)
        tiles["edge_fraction"] = self.coarse.measure_edges(channels, grid.channels).round(4)
        return tiles

    def list_blocks(self, chunk: tuple[int, int]) -> Iterator[tuple[range, range]]:
        """Yield places along time and along frequency of tiles that are read together.

        Args:
          chunk: as of `Observation`.
        """
        high, wide = self._find_block(_BLOCK_SAMPLES)
        rows = (high - 1) * self._row_step + self.grid.rows
        # Chunks are read again by the next block along frequency, or by the next along time.
        next_along_frequency = 2 * -(-rows // chunk[0]) * chunk[0] * chunk[1]
        next_along_time = chunk[0] * self.header.channels if chunk[0] > rows else 0
        if max(next_along_frequency, next_along_time) > _CACHED_SAMPLES:
            high, wide = self._find_block(_LARGE_BLOCK_SAMPLES)
        for down in _divide(self.down, high):
            for across in _divide(self.across, wide):
                yield down, across

    def _find_block(self, samples: int) -> tuple[int, int]:
        """Return how many tiles along time and along frequency have about so many samples."""
        most = max(1, 4 * samples // (self.grid.height * self.grid.width))
        # Several rows of tiles only where a block holds all of their channels: tiles stay in order.
        most_rows = samples // self.header.channels - self.grid.rows
        high = min(self.down, 1 + max(0, most_rows) // self._row_step, max(1, most // self.across))
        channels = samples // ((high - 1) * self._row_step + self.grid.rows)
        wide = 1 + max(0, channels - self.grid.channels) // self._channel_step
        return high, min(wide, most)


def iterate_tiles(
    observation: Observation, tiling: Tiling, workers: int | None = None, start: int = 0
) -> Iterator[Tiles]:
    """Cut an observation into tiles, a few hundred at a time.

    Memory does not grow with the number of tiles. A tile without any contrast, such as where the
    telescope recorded nothing, is left out.

    Args:
      observation: the observation that the tiling was made for.
      tiling: its tiles.
      workers: threads; None for one per core. It has no effect on the tiles.
      start: number of the first tile.

    Yields:
      `Tiles`, in the order of their numbers.

    Raises:
      InvalidData: the file is damaged.
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[Future[Tiles]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for down, across in tiling.list_blocks(observation.chunk):
                if down[-1] * tiling.across + across[-1] < start:
                    continue
                waiting.append(pool.submit(_cut_block, observation, tiling, down, across))
                if len(waiting) > workers:
                    yield _leave_out(waiting.popleft().result(), start)
            while waiting:
                yield _leave_out(waiting.popleft().result(), start)
        finally:
            for future in waiting:
                future.cancel()


def _leave_out(tiles: Tiles, start: int) -> Tiles:
    """Return the tiles from a number on."""
    first = int(np.searchsorted(tiles[0]["tile"], start))
    return tiles[0][first:], tiles[1][first:]


def _cut_block(observation: Observation, tiling: Tiling, down: range, across: range) -> Tiles:
    """Cut the tiles of one block."""
    grid = tiling.grid
    rows, channels = tiling.find_rows(np.array(down)), tiling.find_channels(np.array(across))
    power, factor = _read_block(
        observation,
        tiling,
        range(int(rows[0]), int(rows[-1]) + grid.rows),
        range(int(channels[0]), int(channels[-1]) + grid.channels),
    )
    batch = max(1, _BATCH_SAMPLES // (grid.rows * grid.channels))
    images = np.empty((len(rows), len(channels), grid.height, grid.width), np.uint8)
    # A few tiles at a time, which stay in the cache of a core.
    for row, line in zip(rows - rows[0], images, strict=True):
        for part in _divide(len(channels), batch):
            places = channels[part.start : part.stop] - channels[0]
            columns = slice(places[0], places[-1] + grid.channels)
            strip = _normalise(power[row : row + grid.rows, columns], factor[columns], tiling)
            np.maximum(strip, np.float32(1.0), out=strip)
            np.log(strip, out=strip)
            windows = sliding_window_view(strip, grid.channels, axis=1)[:, places - places[0]]
            logarithms = np.ascontiguousarray(windows.swapaxes(0, 1))
            line[part.start : part.stop] = render_logarithms(logarithms, grid.height, grid.width)
    numbers = np.add.outer(np.array(down) * tiling.across, np.array(across)).ravel()
    images = images.reshape(-1, grid.height, grid.width)
    has_contrast = images.max(axis=(1, 2)) > images.min(axis=(1, 2))
    if not has_contrast.all():
        numbers, images = numbers[has_contrast], images[has_contrast]
    return tiling.describe(numbers), images


def read_power(
    observation: Observation, tiling: Tiling, rows: range, channels: range
) -> NDArray[np.float32]:
    """Read power and divide it by the response of the telescope.

    The noise gets the median that it has in a simulated image. What is not a number becomes noise.

    Args:
      observation: the observation.
      tiling: its tiles.
      rows: consecutive rows.
      channels: consecutive channels.

    Returns:
      float32 [rows, channels].

    Raises:
      InvalidData: the file is damaged.
    """
    return _normalise(*_read_block(observation, tiling, rows, channels), tiling)


def _read_block(
    observation: Observation, tiling: Tiling, rows: range, channels: range
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read power [rows, channels] without DC channels, and measure the factor that normalises it.

    The factor [channels] is 0 where nothing was recorded.
    """
    group = tiling.group
    # Whole groups, with one more on either side, so that the response does not depend on the block.
    wider = range(
        max(0, (channels.start // group - 1) * group),
        min(observation.header.channels, (-(-channels.stop // group) + 1) * group),
    )
    power = observation.read(rows, wider)
    blank_dc_channels(power, tiling.coarse, wider)
    bandpass = measure_bandpass(power, group)
    factor = np.divide(tiling.noise, bandpass, out=np.zeros_like(bandpass), where=bandpass > 0.0)
    inside = slice(channels.start - wider.start, channels.stop - wider.start)
    return power[:, inside], factor[inside]


def _normalise(
    power: NDArray[np.float32], factor: NDArray[np.float32], tiling: Tiling
) -> NDArray[np.float32]:
    """Return power [rows, channels] times a factor [channels], with noise for what is no number."""
    with np.errstate(over="ignore", invalid="ignore"):
        normalised = power * factor
    if not normalised.max() <= _MOST_POWER:  # also if it is NaN
        np.nan_to_num(normalised, copy=False, nan=float(tiling.noise))
        np.minimum(normalised, _MOST_POWER, out=normalised)
    return normalised


def blank_dc_channels(power: NDArray[np.float32], coarse: CoarseChannels, channels: range) -> None:
    """Replace each DC channel in place by the mean of its two neighbours."""
    dc = coarse.list_dc_channels(channels) - channels.start
    below, above = np.maximum(dc - 1, 0), np.minimum(dc + 1, len(channels) - 1)
    power[:, dc] = 0.5 * (power[:, below] + power[:, above])


def select_channels(
    header: Header, from_mhz: float | None, to_mhz: float | None, path: str
) -> range:
    """Return the channels whose centres are in a range of frequencies.

    Args:
      header: header of the observation.
      from_mhz: lowest frequency, in MHz; None for that of the observation.
      to_mhz: highest frequency, in MHz; None for that of the observation.
      path: the file, for messages.

    Raises:
      InvalidData: there are none.
    """
    low = header.lowest_mhz if from_mhz is None else from_mhz
    high = header.highest_mhz if to_mhz is None else to_mhz
    # A hundredth of a channel is allowed for rounding.
    first = math.ceil((low - header.lowest_mhz) / header.channel_mhz - 0.01)
    last = math.floor((high - header.lowest_mhz) / header.channel_mhz + 0.01)
    band = range(max(first, 0), min(last + 1, header.channels))
    if not band:
        raise InvalidData(
            f"{path} has no channel from {low:,.6f} to {high:,.6f} MHz. It covers "
            f"{header.lowest_mhz:,.6f} to {header.highest_mhz:,.6f} MHz. Correct --from-mhz and "
            "--to-mhz."
        )
    return band


def _find_step(size: int, overlap: float) -> int:
    return max(1, round(size * (1.0 - overlap)))


def _divide(count: int, size: int) -> Iterator[range]:
    """Divide range(count) into ranges of one size; the last may be shorter."""
    for start in range(0, count, size):
        yield range(start, min(start + size, count))
