"""Finds lines that are switched on and off, and single pulses, and the evidence for each."""

from __future__ import annotations

import numpy as np

from benchmarks.matched_filter.curves import (
    DRIFTS,
    MIDDLES,
    MIN_INSIDE,
    POSITIONS,
    ROW_MOVES,
    ROW_TIMES,
    CurveSearch,
    average_evidence,
    find_nearest,
)
from benchmarks.matched_filter.response import HEIGHT, WIDTH, Profiles

# Square waves in rows and fractions: those of preset hard have periods of 10 to 30 rows, and are on
# for a tenth to nine tenths of them.
PERIODS = (11.0, 14.0, 17.0, 20.0, 24.0, 28.0)
DUTY_CYCLES = (0.15, 0.3, 0.5, 0.7, 0.85)
PHASES = 6
# How much of each of three rows a single pulse of half a row to two rows is on.
SHORT_PULSES = ((0, 0.5, 0), (0, 1, 0), (0, 1, 0.5), (0.5, 1, 0), (0, 1, 1), (0.5, 1, 0.5))

# Evidence that is so many standard deviations below the best does not count.
_NEGLIGIBLE = 2.0
_POINTS = 16


class PulseSearch:
    """Searches images for pulsed straight lines and for single pulses.

    Args:
      curves: the search for lines that are always on, whose filters are used.
      profiles: response to a drifting tone.
      strengths: strengths of pulsed lines in decibels, over which the evidence is averaged.
      short_strengths: the same for single pulses.
    """

    def __init__(
        self,
        curves: CurveSearch,
        profiles: Profiles,
        strengths: np.ndarray,
        short_strengths: np.ndarray,
    ) -> None:
        self._amplitudes = np.interp(strengths, profiles.strengths, profiles.amplitudes)
        self._short_amplitudes = np.interp(short_strengths, profiles.strengths, profiles.amplitudes)
        position = np.add.outer(np.outer(DRIFTS, ROW_TIMES), MIDDLES)
        # [drifts, rows, middles]: places in the output of the filters.
        self._index = find_nearest(position, POSITIONS)
        self._move = find_nearest(DRIFTS / HEIGHT, ROW_MOVES)
        self._waves = _draw_square_waves()
        norms = curves.norms[self._move[:, None, None], self._index]
        self._norms = np.einsum("kr,drm->dkm", np.square(self._waves), norms, optimize=True)
        inside = np.einsum("kr,drm->dkm", self._waves, norms > 0.0, optimize=True)
        lit = self._waves.sum(axis=1)[:, None]
        self._norms[inside < MIN_INSIDE * lit] = np.inf
        self._root = np.sqrt(self._norms)
        self._paths = np.isfinite(self._norms).sum()
        self._still = len(ROW_MOVES) // 2
        self._band = np.flatnonzero((POSITIONS > -0.5) & (POSITIONS < WIDTH - 0.5))
        self._short = np.array(SHORT_PULSES)
        short = np.square(self._short).sum(axis=1)
        self._short_norms = short[:, None, None] * curves.norms[self._still, self._band]

    def __call__(self, rows: np.ndarray) -> dict[str, float]:
        """Return the scores of one image.

        Args:
          rows: output of the filters, float32 [moves, height, positions].

        Returns:
          For "pulsed" and for "short": "evidence", the log likelihood ratio to noise averaged over
          paths, pulses and strengths, and "deviations" of the best. For the best pulsed line
          "duty", the fraction of the observation in which it is on, and "on" and "off", its
          amplitudes while it is on and off.
        """
        by_row = rows[self._move[:, None, None], np.arange(HEIGHT)[:, None], self._index]
        totals = np.matmul(self._waves, by_row)
        deviations = totals / self._root
        drift, wave, middle = np.unravel_index(deviations.argmax(), deviations.shape)
        scores = {
            "pulsed evidence": _average(
                totals, self._norms, deviations, self._amplitudes, self._paths
            ),
            "pulsed deviations": float(deviations.max()),
            "pulsed duty": float(self._waves[wave].mean()),
        }
        path, is_on = by_row[drift, :, middle], self._waves[wave]
        norm = self._norms[drift, wave, middle] / np.square(is_on).sum()
        scores["pulsed on"] = float(path @ is_on / (norm * is_on.sum()))
        scores["pulsed off"] = float(path @ (1 - is_on) / (norm * max((1 - is_on).sum(), 1.0)))

        still = np.pad(rows[self._still][:, self._band], ((1, 1), (0, 0)))
        windows = np.stack([still[shift : shift + HEIGHT] for shift in range(3)])
        totals = np.einsum("kr,rtm->ktm", self._short, windows)
        deviations = totals / np.sqrt(self._short_norms)
        scores["short evidence"] = _average(
            totals,
            np.broadcast_to(self._short_norms, totals.shape),
            deviations,
            self._short_amplitudes,
            totals.size,
        )
        scores["short deviations"] = float(deviations.max())
        return scores


def _draw_square_waves() -> np.ndarray:
    """Return how much of each row is on: float32 [waves, height]."""
    time = (np.arange(HEIGHT * _POINTS) + 0.5) / _POINTS
    axes = np.meshgrid(PERIODS, DUTY_CYCLES, np.arange(PHASES) / PHASES, indexing="ij")
    period, duty, phase = (axis.reshape(-1, 1) for axis in axes)
    is_on = np.mod(time / period + phase, 1.0) < duty
    return is_on.reshape(len(period), HEIGHT, _POINTS).mean(axis=2).astype(np.float32)


def _average(
    totals: np.ndarray,
    norms: np.ndarray,
    deviations: np.ndarray,
    amplitudes: np.ndarray,
    count: int,
) -> float:
    """Return the average evidence of `count` paths and pulses."""
    keep = deviations > deviations.max() - _NEGLIGIBLE
    return average_evidence(totals[keep], norms[keep], amplitudes, count)
