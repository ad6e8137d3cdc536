"""A table of labelled signals, and which tiles hold which of them.

The table is a CSV file with a header. A line describes a signal, or a part of one:

    frequency_mhz   its frequency in MHz, at start_s
    class           its class
    start_s         when it begins, in s after the first row; empty or no column: with the first row
    stop_s          when it ends, in s after the first row; empty or no column: with the last row
    drift_hz_s      how fast its frequency rises, in Hz/s; empty or no column: 0
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.telescope.header import Header
from data.telescope.tiling import Tiling

NOISE = "noise"
"""Class of a tile that holds no labelled signal."""

AMBIGUOUS = -1

_COLUMNS = ("frequency_mhz", "class", "start_s", "stop_s", "drift_hz_s")
_REQUIRED = _COLUMNS[:2]

# A signal so near to the edge of a tile, in widths of a tile, is not wholly inside or outside.
_EDGE = 1 / 16

# A tile that holds less of a signal, in durations of the tile or of the signal, does not show it.
_LEAST_TIME = 1 / 4


@dataclass(frozen=True)
class Labels:
    """Labelled signals.

    Attributes:
      classes: names of classes; the first is "noise".
      columns: int64 [n], the class of each signal as an index of `classes`.
      frequency: float64 [n], MHz at its start.
      start: float64 [n], s after the first row.
      stop: float64 [n], s after the first row.
      drift: float64 [n], Hz/s.
    """

    classes: tuple[str, ...]
    columns: NDArray[np.int64]
    frequency: NDArray[np.float64]
    start: NDArray[np.float64]
    stop: NDArray[np.float64]
    drift: NDArray[np.float64]

    def find_columns(self, tiles: NDArray[np.void], tiling: Tiling) -> NDArray[np.int64]:
        """Return the class of tiles.

        Args:
          tiles: `data.telescope.tiling.TILE` [n].
          tiling: what they come from.

        Returns:
          int64 [n], indices of `classes`. 0, noise, where no signal is near. `AMBIGUOUS` where
          signals of two classes are, or one at the edge of the tile or for too short a time.
        """
        if not len(tiles):
            return np.empty(0, np.int64)
        low, high, begin, end = _find_bounds(tiles, tiling)
        near = self.select(float(low.min()), float(high.max()))
        # Of each tile and each signal, [tiles, signals]: when both are there, and the frequencies
        # of the signal at the beginning and at the end of that time.
        start, stop = self.start[near], self.stop[near]
        first, last = np.maximum(begin, start), np.minimum(end, stop)
        rise = 1e-6 * self.drift[near]
        at_first = self.frequency[near] + rise * (first - start)
        at_last = self.frequency[near] + rise * (last - start)
        lowest, highest = np.minimum(at_first, at_last), np.maximum(at_first, at_last)
        margin = _EDGE * (high - low)
        there = last - first > 0.5 * tiling.header.row_seconds
        whole = last - first >= _LEAST_TIME * np.minimum(end - begin, stop - start)
        inside = there & whole & (lowest >= low + margin) & (highest <= high - margin)
        touching = there & (highest > low - margin) & (lowest < high + margin) & ~inside
        columns = np.where(inside, self.columns[near], 0).max(axis=1, initial=0)
        other = (inside & (self.columns[near] != columns[:, np.newaxis])).any(axis=1)
        return np.where(other | touching.any(axis=1), AMBIGUOUS, columns)

    def select(self, low: float, high: float) -> NDArray[np.int64]:
        """Return the signals that come near to a range of frequencies in MHz, as indices."""
        at_stop = self.frequency + 1e-6 * self.drift * (self.stop - self.start)
        reach = high - low
        is_near = (np.maximum(self.frequency, at_stop) > low - reach) & (
            np.minimum(self.frequency, at_stop) < high + reach
        )
        return np.flatnonzero(is_near)


def read_labels(path: str, header: Header) -> Labels:
    """Read a table of labelled signals.

    Args:
      path: a CSV file as this module describes it.
      header: header of the observation.

    Raises:
      InvalidData: the table is wrong, or no signal of it is in the observation.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = _read_lines(csv.DictReader(file), path, header)
    except OSError as error:
        raise InvalidData(f"{path} cannot be read: {error.strerror}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidData(f"{path} is no table in CSV: {error}.") from None
    names = dict.fromkeys((NOISE, *(name for name, *_ in lines)))
    classes = tuple(names)
    numbers = np.array([line[1:] for line in lines], np.float64).reshape(-1, 4)
    columns = np.array([classes.index(name) for name, *_ in lines], np.int64)
    frequency, start, stop, drift = numbers.T
    labels = Labels(classes, columns, frequency, start, stop, drift)
    half = 0.5 * header.channel_mhz
    if not labels.select(header.lowest_mhz - half, header.highest_mhz + half).size:
        raise InvalidData(
            f"{path} has no signal between {header.lowest_mhz:,.6f} and {header.highest_mhz:,.6f} "
            "MHz, the observation's frequencies. Is it the table of another observation?"
        )
    return labels


Line = tuple[str, float, float, float, float]
"""Class, frequency in MHz, start and stop in s, drift in Hz/s."""


def _read_lines(reader: csv.DictReader[str], path: str, header: Header) -> list[Line]:
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        raise InvalidData(
            f"{path} has no column {' and no column '.join(missing)} in its first line. "
            f"Columns are {', '.join(_REQUIRED)} and, if you like, {', '.join(_COLUMNS[2:])}."
        )
    reader.fieldnames = names
    return [_read_line(line, f"{path}, row {reader.line_num}", header) for line in reader]


def _read_line(line: dict[str, str], place: str, header: Header) -> Line:
    def number(column: str, default: float) -> float:
        text = (line.get(column) or "").strip()
        if not text and column not in _REQUIRED:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InvalidData(f'{place}: "{text}" is not a number. Correct {column}.')
        return value

    name = (line["class"] or "").strip()
    if not name:
        raise InvalidData(f"{place}: the class is missing.")
    start, stop = number("start_s", 0.0), number("stop_s", header.seconds)
    if stop <= start:
        raise InvalidData(f"{place}: stop_s {stop:g} is not after start_s {start:g}.")
    return name, number("frequency_mhz", 0.0), start, stop, number("drift_hz_s", 0.0)


def _find_bounds(tiles: NDArray[np.void], tiling: Tiling) -> tuple[NDArray[np.float64], ...]:
    """Return lowest and highest frequency in MHz, and begin and end in s, each [tiles, 1]."""
    header, grid = tiling.header, tiling.grid
    down, across = np.divmod(tiles["tile"][:, np.newaxis], tiling.across)
    rows, channels = tiling.find_rows(down), tiling.find_channels(across)
    return (
        header.frequency(channels - 0.5),
        header.frequency(channels + grid.channels - 0.5),
        rows * header.row_seconds,
        (rows + grid.rows) * header.row_seconds,
    )
