"""Candidates of an observation, and the union of those that are one signal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from data.telescope.tiling import Tiling
from pipeline.classify.observations.track import Track

# Tracks that are nowhere farther apart, in columns, while both tiles last, are one.
_TOLERANCE = 4.0


@dataclass(frozen=True)
class Candidate:
    """A tile whose class is not that of noise.

    Attributes:
      tile: its number.
      frequency_mhz: where the line is when the tile begins, in MHz.
      drift_hz_s: its drift rate, in Hz/s.
      snr: its signal-to-noise ratio.
      class_name: its class.
      score: the probability of the class.
      start_mjd: when the tile begins, a Modified Julian Date.
      start_s: the same, in s after the first row of the observation.
      stop_s: when the tile ends, in s after the first row.
      low_mhz: lower edge of the tile, in MHz.
      high_mhz: upper edge of the tile, in MHz.
      edge_fraction: the fraction of the tile at the edges of coarse channels.
      tiles: tiles in which this signal was found.
    """

    tile: int
    frequency_mhz: float
    drift_hz_s: float
    snr: float
    class_name: str
    score: float
    start_mjd: float
    start_s: float
    stop_s: float
    low_mhz: float
    high_mhz: float
    edge_fraction: float
    tiles: int = 1

    def find_frequency(self, second: float) -> float:
        """Return where the line is, in MHz, at a time in s after the first row."""
        return self.frequency_mhz + 1e-6 * self.drift_hz_s * (second - self.start_s)


def make_candidate(
    tile: Any, track: Track, tiling: Tiling, class_name: str, score: float
) -> Candidate:
    """Return a candidate in physical units.

    Args:
      tile: what is known of the tile, as `data.telescope.tiling.TILE`.
      track: the line in it.
      tiling: the tiles.
      class_name: class of the tile.
      score: the probability of the class.
    """
    step_hz, grid, number = float(tile["channel_width_hz"]), tiling.grid, int(tile["tile"])
    row = int(tiling.find_rows(np.array(number // tiling.across)))
    start = row * tiling.header.row_seconds
    seconds = grid.height * float(tile["sample_time_s"])
    half = 0.5e-6 * step_hz * grid.width
    return Candidate(
        tile=number,
        frequency_mhz=round(float(tile["start_mhz"]) + 1e-6 * step_hz * track.start, 9),
        drift_hz_s=float(f"{step_hz * track.drift / seconds:.6g}"),
        snr=round(track.snr, 2),
        class_name=class_name,
        score=round(score, 6),
        start_mjd=float(tile["start_mjd"]),
        start_s=round(start, 6),
        stop_s=round(start + seconds, 6),
        low_mhz=round(float(tile["centre_mhz"]) - half, 9),
        high_mhz=round(float(tile["centre_mhz"]) + half, 9),
        edge_fraction=float(tile["edge_fraction"]),
    )


def merge_candidates(candidates: Sequence[Candidate], width: int) -> list[Candidate]:
    """Join the candidates of overlapping tiles whose tracks are the same; keep the strongest.

    Args:
      candidates: of one observation.
      width: columns of a tile.

    Returns:
      One candidate for each signal, in the order of time and frequency.
    """
    ordered = sorted(candidates, key=lambda each: (each.low_mhz, each.start_s))
    leaders = list(range(len(ordered)))

    def find_leader(number: int) -> int:
        while leaders[number] != number:
            number = leaders[number]
        return number

    for number, candidate in enumerate(ordered):
        for later in range(number + 1, len(ordered)):
            if ordered[later].low_mhz >= candidate.high_mhz:
                break
            if _is_same(candidate, ordered[later], width):
                leaders[find_leader(later)] = find_leader(number)
    groups = defaultdict(list)
    for number, candidate in enumerate(ordered):
        groups[find_leader(number)].append(candidate)
    strongest = [
        replace(max(group, key=lambda each: (each.snr, -each.tile)), tiles=len(group))
        for group in groups.values()
    ]
    return sorted(strongest, key=lambda each: (each.start_s, each.frequency_mhz))


def _is_same(first: Candidate, second: Candidate, width: int) -> bool:
    """Return whether two tiles overlap in time, and their tracks coincide while both last."""
    start, stop = max(first.start_s, second.start_s), min(first.stop_s, second.stop_s)
    tolerance = _TOLERANCE * (first.high_mhz - first.low_mhz) / width
    return start < stop and all(
        abs(first.find_frequency(time) - second.find_frequency(time)) <= tolerance
        for time in (start, stop)
    )
