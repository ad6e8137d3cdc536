"""The evidence for a wandering path, by dynamic programming along time.

A state is the position of the tone at the boundary between two rows. From one boundary to the next
it moves by a Gaussian step about the mean drift; what the row shows depends on where it enters and
leaves it. The forward algorithm of hidden Markov models adds up the likelihood over all paths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm as gaussian

from benchmarks.matched_filter.response import HEIGHT, WIDTH, Profiles

MARGIN = 16
"""Pixels beyond either edge of the band that are told apart; farther out counts as there."""


@dataclass(frozen=True)
class Wander:
    """One deviation of the walk, and how finely it is followed.

    Attributes:
      deviation: of a step from row to row, in pixels.
      step: pixels between states.
      drifts: pixels a row.
    """

    deviation: float
    step: float
    drifts: tuple[float, ...]

    @property
    def moves(self) -> np.ndarray:
        """Pixels from one row's boundary to the next that are followed, multiples of `step`."""
        furthest = max(self.drifts) + 3.2 * self.deviation
        steps = np.ceil(furthest / self.step)
        return np.arange(-steps, steps + 1) * self.step


def _even(furthest: float, count: int) -> tuple[float, ...]:
    return tuple(np.linspace(-furthest, furthest, count))


# The hard preset's walks deviate by 0.16 to 5.3 pixels a row, about a drift of up to one. Beside a
# great deviation the drift hardly matters.
WANDERS = (
    Wander(0.35, 0.25, _even(0.875, 8)),
    Wander(0.8, 0.5, _even(0.75, 4)),
    Wander(1.3, 0.5, _even(0.66, 3)),
    Wander(2.0, 1.0, _even(0.5, 2)),
    Wander(2.8, 1.0, _even(0.5, 2)),
    Wander(3.6, 1.0, _even(0.5, 2)),
    Wander(4.6, 1.0, (0.0,)),
)

# Of a row's log likelihood ratio: what float32 holds, with room for a sum over states.
GREATEST_EXPONENT = np.float32(78.0)


class WanderSearch:
    """Searches images for tones that wander with one deviation.

    Args:
      wander: the deviation, and the grid.
      profiles: of such tones.
      strengths: decibels that the evidence is averaged over.
    """

    def __init__(self, wander: Wander, profiles: Profiles, strengths: np.ndarray):
        self.wander = wander
        self.states = np.arange(-MARGIN, WIDTH + MARGIN, wander.step)
        amplitudes = np.interp(strengths, profiles.strengths, profiles.amplitudes)
        self.amplitudes = amplitudes.astype(np.float32)
        self.banks = [
            # In the middle of the row a tone that ends at a state is half a move before it.
            profiles.bank(move, self.states - 0.5 * move)
            for move in wander.moves
        ]
        spread = wander.deviation
        half = 0.5 * wander.step
        self.chance = np.stack(
            [
                gaussian.cdf((wander.moves + half - drift) / spread)
                - gaussian.cdf((wander.moves - half - drift) / spread)
                for drift in wander.drifts
            ]
        ).astype(np.float32)
        inside = (self.states > -0.5) & (self.states < WIDTH - 0.5)
        self.start = inside.astype(np.float32) / inside.sum()

    def __call__(self, dark: np.ndarray) -> np.ndarray:
        """Log likelihood ratio to noise, averaged over paths and drifts.

        Args:
          dark: white darkness, float32 [n, height, width].

        Returns:
          float64 [n, strengths].
        """
        count, levels, states = len(dark), len(self.amplitudes), len(self.states)
        # [drifts, n, strengths, states]
        alpha = np.broadcast_to(self.start, (len(self.chance), count, levels, states)).copy()
        log_scale = np.zeros((len(self.chance), count, levels))
        amplitude = self.amplitudes[:, None]
        shifts = np.rint(self.wander.moves / self.wander.step).astype(int)
        norms = [(0.5 * amplitude**2) * (bank * bank).sum(axis=0) for bank in self.banks]
        filtered = [dark @ bank for bank in self.banks]
        leaving = self._leaving(shifts)
        for row in range(HEIGHT):
            after = np.zeros_like(alpha)
            for index, shift in enumerate(shifts):
                target = slice(max(shift, 0), states + min(shift, 0))
                source = slice(max(-shift, 0), states + min(-shift, 0))
                emission = amplitude * filtered[index][:, row, None, target]
                emission -= norms[index][:, target]
                np.exp(np.minimum(emission, GREATEST_EXPONENT, out=emission), out=emission)
                for drift, chance in enumerate(self.chance[:, index]):
                    if chance > 1e-4:
                        seen = emission * alpha[drift][..., source]
                        seen *= chance
                        after[drift][..., target] += seen
            # Paths that leave the states stay at their edge.
            for edge, weights in leaving.items():
                after[..., edge] += np.einsum("dnas,ds->dna", alpha, weights)
            size = after.sum(axis=-1, keepdims=True)
            log_scale += np.log(size[..., 0])
            alpha = after / size
        return np.logaddexp.reduce(log_scale, axis=0) - np.log(len(self.chance))

    def _leaving(self, shifts: np.ndarray) -> dict[int, np.ndarray]:
        """By edge, the chance to end beyond it from each state, float32 [drifts, states]."""
        states = len(self.states)
        ends = np.arange(states)[:, None] + shifts
        return {
            0: self.chance @ (ends < 0).T.astype(np.float32),
            -1: self.chance @ (ends >= states).T.astype(np.float32),
        }
