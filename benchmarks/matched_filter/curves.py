"""Finds the best straight line and the best parabola in an image, and the evidence for each.

A path is x(u) = middle + drift u + 4 bend u^2, in pixels, with u from -1/2 to 1/2 over the
observation; |bend| is the sagitta. Filter outputs are summed over eight blocks of eight rows.
Within a block a path is treated as straight: even a parabola with the hard preset's greatest
sagitta departs from its chord by only a sixth of a pixel there. The best paths are then refined row
by row.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from benchmarks.matched_filter.response import HEIGHT, WIDTH, Profiles

# The search grid in pixels, which covers all lines and curves of the hard preset.
DRIFTS = np.arange(-64.5, 65.0, 1.5)
BENDS = np.arange(-11.25, 11.5, 0.75)
MIDDLES = np.arange(-40.0, WIDTH + 40.0, 0.5)

MIN_INSIDE = 0.5
"""Smallest fraction of its rows that a path must spend inside the band."""

# Offsets from the best path of the search for the refined search.
MIDDLE_OFFSETS = np.arange(-1.0, 1.01, 0.125)
DRIFT_OFFSETS = np.arange(-1.5, 1.51, 0.25)
BEND_OFFSETS = np.arange(-0.75, 0.76, 0.125)

# Paths with a filter output below this many standard deviations do not count as evidence.
NEGLIGIBLE = 1.0

# Positions of the filters. They extend beyond the edges so that every path of a block has one.
POSITION_STEP = 0.25
POSITIONS = np.arange(-52.0, WIDTH + 52.0, POSITION_STEP)
_PADDING = int(40 / POSITION_STEP)

BLOCKS, BLOCK_ROWS = 8, 8
BLOCK_MOVES = np.arange(-13.0, 13.25, 0.5)
"""Distances in pixels that a path moves within a block."""

ROW_MOVES = BLOCK_MOVES / BLOCK_ROWS
_BLOCK_TIMES = (np.arange(BLOCKS) + 0.5) / BLOCKS - 0.5
ROW_TIMES = (np.arange(HEIGHT) + 0.5) / HEIGHT - 0.5


class CurveSearch:
    """Searches images for lines and parabolas.

    Args:
      profiles: response to a drifting tone, by the distance it moves within a row.
      strengths: strengths in decibels over which the evidence is averaged.
    """

    def __init__(self, profiles: Profiles, strengths: np.ndarray) -> None:
        amplitudes = np.interp(strengths, profiles.strengths, profiles.amplitudes)
        self.amplitudes = amplitudes.astype(np.float32)
        # A move and its opposite have different filters, but the same norm.
        self.banks = np.stack([profiles.make_bank(move, POSITIONS) for move in ROW_MOVES])
        self.norms = np.square(self.banks).sum(axis=1)
        drift, bend = (axis.ravel() for axis in np.meshgrid(DRIFTS, BENDS, indexing="ij"))
        self.drift, self.bend = drift, bend

        every_row = (len(ROW_MOVES), HEIGHT, len(POSITIONS))
        norm = self._sum_along_paths(np.broadcast_to(self.norms[:, None], every_row))
        band = (self.norms[len(ROW_MOVES) // 2] > 0.0).astype(np.float32)
        inside = self._sum_along_paths(np.broadcast_to(band, every_row)) / HEIGHT
        self.norm = np.where(inside < MIN_INSIDE, np.float32(np.inf), norm)
        self.root = np.sqrt(self.norm)
        self.kinds = {"line": np.flatnonzero(bend == 0.0), "curve": np.flatnonzero(bend != 0.0)}
        self.paths = {
            name: np.isfinite(self.norm[kinds]).sum() for name, kinds in self.kinds.items()
        }

    def __call__(self, dark: np.ndarray) -> dict[str, float]:
        """Return the scores of one image.

        Args:
          dark: whitened darkness, float32 [height, width].

        Returns:
          For "line" and for "curve": "evidence", the log likelihood ratio to noise averaged over
          all paths and strengths; for the best path "deviations", its filter output in standard
          deviations of noise, "likelihood", its log likelihood ratio, "middle", "drift",
          "sagitta", "amplitude" and "norm"; and "fine evidence", the evidence of the paths around
          the best one.
        """
        return self.score(self.filter(dark))

    def filter(self, dark: np.ndarray) -> np.ndarray:
        """Return the output of the filters: float32 [moves, height, positions]."""
        return dark @ self.banks

    def score(self, rows: np.ndarray) -> dict[str, float]:
        """Return the scores of one image, given the output of the filters."""
        total = self._sum_along_paths(rows)
        scores = {}
        for name, kinds in self.kinds.items():
            deviations = total[kinds] / self.root[kinds]
            kind, middle = np.unravel_index(deviations.argmax(), deviations.shape)
            keep = deviations > NEGLIGIBLE
            scores[f"{name} evidence"] = average_evidence(
                total[kinds][keep], self.norm[kinds][keep], self.amplitudes, self.paths[name]
            )
            best = (MIDDLES[middle], self.drift[kinds[kind]], self.bend[kinds[kind]])
            bend_offsets = BEND_OFFSETS if name == "curve" else np.zeros(1)
            refined = self._refine(rows, *best, bend_offsets)
            scores |= {f"{name} {score}": value for score, value in refined.items()}
        return scores

    def _sum_along_paths(self, rows: np.ndarray) -> np.ndarray:
        """Sum along every path.

        Args:
          rows: float32 [moves, height, positions].

        Returns:
          float32 [drifts x bends, middles].
        """
        total = np.zeros((len(self.drift), len(MIDDLES)), np.float32)
        step = round((MIDDLES[1] - MIDDLES[0]) / POSITION_STEP)
        for block, time in zip(_sum_blocks(rows), _BLOCK_TIMES, strict=True):
            move = (self.drift + 8.0 * self.bend * time) / BLOCKS
            position = MIDDLES[0] + self.drift * time + 4.0 * self.bend * time**2
            start = np.rint((position - POSITIONS[0]) / POSITION_STEP).astype(int)
            # The positions of one path with all middles are one slice, copied at once.
            padded = np.pad(block, ((0, 0), (_PADDING, _PADDING)))
            slices = as_strided(
                padded,
                (len(padded), padded.shape[1] - step * (len(MIDDLES) - 1), len(MIDDLES)),
                (*padded.strides, step * padded.strides[1]),
            )
            total += slices[find_nearest(move, BLOCK_MOVES), start + _PADDING]
        return total

    def _refine(self, rows, middle, drift, bend, bend_offsets) -> dict[str, float]:
        """Return the scores of the best path on a finer grid around a path."""
        axes = (middle + MIDDLE_OFFSETS, drift + DRIFT_OFFSETS, bend + bend_offsets)
        middles, drifts, bends = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
        position = middles + np.outer(ROW_TIMES, drifts) + np.outer(4.0 * ROW_TIMES**2, bends)
        kind = find_nearest((drifts + np.outer(8.0 * ROW_TIMES, bends)) / HEIGHT, ROW_MOVES)
        index = np.clip((position - POSITIONS[0]) / POSITION_STEP, 0, len(POSITIONS) - 2)
        left = index.astype(int)
        weight = (index - left).astype(np.float32)
        row = np.arange(HEIGHT)[:, None]
        total = rows[kind, row, left] * (1 - weight) + rows[kind, row, left + 1] * weight
        norm = self.norms[kind, left] * (1 - weight) + self.norms[kind, left + 1] * weight
        total, norm = total.sum(axis=0), np.maximum(norm.sum(axis=0), 1e-6)
        deviations = total / np.sqrt(norm)
        top = deviations.argmax()
        return {
            "deviations": float(deviations[top]),
            "likelihood": float(0.5 * max(deviations[top], 0.0) ** 2),
            "middle": float(middles[top]),
            "drift": float(drifts[top]),
            "sagitta": float(abs(bends[top])),
            "amplitude": float(total[top] / norm[top]),
            "norm": float(norm[top]),
            "fine evidence": average_evidence(total, norm, self.amplitudes, len(total)),
        }


def _sum_blocks(rows: np.ndarray) -> np.ndarray:
    """Sum along straight pieces: float32 [blocks, block moves, positions in the middle]."""
    sums = np.zeros((BLOCKS, len(BLOCK_MOVES), len(POSITIONS)), np.float32)
    for index, move in enumerate(BLOCK_MOVES):
        blocks = rows[index].reshape(BLOCKS, BLOCK_ROWS, -1)
        for row in range(BLOCK_ROWS):
            shift = round(move * ((row + 0.5) / BLOCK_ROWS - 0.5) / POSITION_STEP)
            target = slice(max(-shift, 0), len(POSITIONS) - max(shift, 0))
            source = slice(max(shift, 0), len(POSITIONS) + min(shift, 0))
            sums[:, index, target] += blocks[:, row, source]
    return sums


def find_nearest(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the indices of the nearest values of an evenly spaced grid."""
    index = np.rint((values - grid[0]) / (grid[1] - grid[0])).astype(int)
    return np.clip(index, 0, len(grid) - 1)


def average_evidence(
    total: np.ndarray, norm: np.ndarray, amplitudes: np.ndarray, count: int
) -> float:
    """Return the log of the likelihood ratio to noise, averaged over `count` paths and amplitudes.

    Paths that are not among `total` and `norm` count as if their ratio were 0.
    """
    terms = [_log_sum(a * total - 0.5 * a * a * norm) for a in amplitudes]
    return float(np.logaddexp.reduce(terms) - np.log(count * len(amplitudes)))


def _log_sum(values: np.ndarray) -> float:
    if not len(values):
        return -np.inf
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum(dtype=np.float64)))
