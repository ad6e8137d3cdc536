"""The best straight line and the best parabola through an image, and the evidence for either.

A path is x(u) = middle + drift u + 4 bend u^2, in pixels, with u from -1/2 to 1/2 over the
observation: |bend| is the sagitta. Filter outputs are added up over eight blocks of eight rows, in
each of which a path is taken for straight: a parabola with the hard preset's greatest sagitta
departs from its chord by a sixth of a pixel there. The best paths are then refined row by row.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from benchmarks.matched_filter.response import HEIGHT, WIDTH, Profiles

# What is searched, in pixels: all of the hard preset's lines and curves.
DRIFTS = np.arange(-64.5, 65.0, 1.5)
BENDS = np.arange(-11.25, 11.5, 0.75)
MIDDLES = np.arange(-40.0, WIDTH + 40.0, 0.5)

LEAST_INSIDE = 0.5
"""Part of its rows that a path must spend inside the band."""

# Offsets from a best path at which it is looked for again.
MIDDLES_ABOUT = np.arange(-1.0, 1.01, 0.125)
DRIFTS_ABOUT = np.arange(-1.5, 1.51, 0.25)
BENDS_ABOUT = np.arange(-0.75, 0.76, 0.125)

# Paths whose filter output is below so many standard deviations add nothing to the evidence.
NEGLIGIBLE = 1.0

# Where filters are laid out: so far beyond the edges that every path of a block finds one.
FINE = 0.25
POSITIONS = np.arange(-52.0, WIDTH + 52.0, FINE)
_ROOM = int(40 / FINE)

BLOCKS, BLOCK_ROWS = 8, 8
BLOCK_MOVES = np.arange(-13.0, 13.25, 0.5)
"""Pixels that a path moves within a block."""

_ROW_MOVES = BLOCK_MOVES / BLOCK_ROWS
_BLOCK_TIMES = (np.arange(BLOCKS) + 0.5) / BLOCKS - 0.5
_ROW_TIMES = (np.arange(HEIGHT) + 0.5) / HEIGHT - 0.5


class CurveSearch:
    """Searches images for lines and parabolas.

    Args:
      profiles: of a tone that drifts, by how far it moves within a row.
      strengths: decibels that the evidence is averaged over.
    """

    def __init__(self, profiles: Profiles, strengths: np.ndarray):
        amplitudes = np.interp(strengths, profiles.strengths, profiles.amplitudes)
        self.amplitudes = amplitudes.astype(np.float32)
        # A move and its opposite have different filters, those of equal size the same norm.
        self.banks = np.stack([profiles.bank(move, POSITIONS) for move in _ROW_MOVES])
        self.norms = np.square(self.banks).sum(axis=1)
        drift, bend = (axis.ravel() for axis in np.meshgrid(DRIFTS, BENDS, indexing="ij"))
        self.drift, self.bend = drift, bend

        every_row = (len(_ROW_MOVES), HEIGHT, len(POSITIONS))
        norm = self._along_paths(np.broadcast_to(self.norms[:, None], every_row))
        band = (self.norms[len(_ROW_MOVES) // 2] > 0.0).astype(np.float32)
        inside = self._along_paths(np.broadcast_to(band, every_row)) / HEIGHT
        self.norm = np.where(inside < LEAST_INSIDE, np.float32(np.inf), norm)
        self.root = np.sqrt(self.norm)
        self.kinds = {"line": np.flatnonzero(bend == 0.0), "curve": np.flatnonzero(bend != 0.0)}
        self.paths = {
            name: np.isfinite(self.norm[kinds]).sum() for name, kinds in self.kinds.items()
        }

    def __call__(self, dark: np.ndarray) -> dict[str, float]:
        """Scores of one image.

        For "line" and "curve": "evidence", the log likelihood ratio to noise averaged over all
        paths and strengths; of the best path "deviations", its filter output in standard
        deviations of noise, "middle", "drift", "sagitta", "amplitude" and "norm"; "likelihood", its
        log likelihood ratio, and "fine evidence", the evidence of the paths about it.

        Args:
          dark: white darkness, float32 [height, width].
        """
        rows = dark @ self.banks
        total = self._along_paths(rows)
        scores = {}
        for name, kinds in self.kinds.items():
            deviations = total[kinds] / self.root[kinds]
            kind, middle = np.unravel_index(deviations.argmax(), deviations.shape)
            keep = deviations > NEGLIGIBLE
            scores[f"{name} evidence"] = self._evidence(
                total[kinds][keep], self.norm[kinds][keep], self.paths[name]
            )
            best = (MIDDLES[middle], self.drift[kinds[kind]], self.bend[kinds[kind]])
            bends = BENDS_ABOUT if name == "curve" else np.zeros(1)
            refined = self._refined(rows, *best, bends)
            scores |= {f"{name} {score}": value for score, value in refined.items()}
        return scores

    def _along_paths(self, rows: np.ndarray) -> np.ndarray:
        """Sums along every path, float32 [drifts x bends, middles].

        Args:
          rows: float32 [moves, height, positions].
        """
        total = np.zeros((len(self.drift), len(MIDDLES)), np.float32)
        step = round((MIDDLES[1] - MIDDLES[0]) / FINE)
        for block, time in zip(_block_sums(rows), _BLOCK_TIMES, strict=True):
            move = (self.drift + 8.0 * self.bend * time) / BLOCKS
            at = MIDDLES[0] + self.drift * time + 4.0 * self.bend * time**2
            start = np.rint((at - POSITIONS[0]) / FINE).astype(int)
            # The positions of one path with every middle are a slice: copied as one.
            wide = np.pad(block, ((0, 0), (_ROOM, _ROOM)))
            slices = as_strided(
                wide,
                (len(wide), wide.shape[1] - step * (len(MIDDLES) - 1), len(MIDDLES)),
                (*wide.strides, step * wide.strides[1]),
            )
            total += slices[_nearest(move, BLOCK_MOVES), start + _ROOM]
        return total

    def _evidence(self, total: np.ndarray, norm: np.ndarray, paths: int) -> float:
        """Log of the likelihood ratio to noise, averaged over paths and strengths."""
        terms = [_log_sum(a * total - 0.5 * a * a * norm) for a in self.amplitudes]
        return float(np.logaddexp.reduce(terms) - np.log(paths * len(self.amplitudes)))

    def _refined(self, rows, middle, drift, bend, bends_about) -> dict[str, float]:
        """The best path on a finer grid about the one given."""
        axes = (middle + MIDDLES_ABOUT, drift + DRIFTS_ABOUT, bend + bends_about)
        middles, drifts, bends = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
        at = middles + np.outer(_ROW_TIMES, drifts) + np.outer(4.0 * _ROW_TIMES**2, bends)
        kind = _nearest((drifts + np.outer(8.0 * _ROW_TIMES, bends)) / HEIGHT, _ROW_MOVES)
        place = np.clip((at - POSITIONS[0]) / FINE, 0, len(POSITIONS) - 2)
        left = place.astype(int)
        part = (place - left).astype(np.float32)
        row = np.arange(HEIGHT)[:, None]
        total = rows[kind, row, left] * (1 - part) + rows[kind, row, left + 1] * part
        norm = self.norms[kind, left] * (1 - part) + self.norms[kind, left + 1] * part
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
            "fine evidence": self._evidence(total, norm, len(total)),
        }


def _block_sums(rows: np.ndarray) -> np.ndarray:
    """Sums along straight pieces, float32 [blocks, block moves, positions in the middle]."""
    sums = np.zeros((BLOCKS, len(BLOCK_MOVES), len(POSITIONS)), np.float32)
    for index, move in enumerate(BLOCK_MOVES):
        blocks = rows[index].reshape(BLOCKS, BLOCK_ROWS, -1)
        for row in range(BLOCK_ROWS):
            shift = round(move * ((row + 0.5) / BLOCK_ROWS - 0.5) / FINE)
            here = slice(max(-shift, 0), len(POSITIONS) - max(shift, 0))
            there = slice(max(shift, 0), len(POSITIONS) + min(shift, 0))
            sums[:, index, here] += blocks[:, row, there]
    return sums


def _nearest(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Indices into an evenly spaced grid."""
    index = np.rint((values - grid[0]) / (grid[1] - grid[0])).astype(int)
    return np.clip(index, 0, len(grid) - 1)


def _log_sum(values: np.ndarray) -> float:
    if not len(values):
        return -np.inf
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum(dtype=np.float64)))
