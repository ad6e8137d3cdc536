"""Computes the evidence for a wandering path by dynamic programming along time.

A state is the position of the tone at the boundary between two rows. From one boundary to the next,
the tone moves by the mean drift plus a Gaussian step. The pixels of the row depend on where the
tone enters and leaves it. The forward algorithm of hidden Markov models sums the likelihood over
all paths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm as gaussian

from benchmarks.matched_filter.response import HEIGHT, WIDTH, Profiles

MARGIN = 16
"""Pixels beyond either edge of the band that have states of their own. A tone farther out is
treated as if it were at the outermost state."""


@dataclass(frozen=True)
class Wander:
    """A standard deviation of the walk and the grid for it.

    Attributes:
      deviation: standard deviation of a step from row to row, in pixels.
      step: distance between states, in pixels.
      drifts: mean drifts, in pixels per row.
    """

    deviation: float
    step: float
    drifts: tuple[float, ...]

    @property
    def moves(self) -> np.ndarray:
        """Distances in pixels from one boundary to the next, multiples of `step`."""
        furthest = max(self.drifts) + 3.2 * self.deviation
        steps = np.ceil(furthest / self.step)
        return np.arange(-steps, steps + 1) * self.step


def _space_evenly(furthest: float, count: int) -> tuple[float, ...]:
    return tuple(np.linspace(-furthest, furthest, count))


# The walks of the hard preset have standard deviations of 0.16 to 5.3 pixels per row, and drifts of
# up to one pixel per row. With a great standard deviation the drift hardly matters.
WANDERS = (
    Wander(0.35, 0.25, _space_evenly(0.875, 8)),
    Wander(0.8, 0.5, _space_evenly(0.75, 4)),
    Wander(1.3, 0.5, _space_evenly(0.66, 3)),
    Wander(2.0, 1.0, _space_evenly(0.5, 2)),
    Wander(2.8, 1.0, _space_evenly(0.5, 2)),
    Wander(3.6, 1.0, _space_evenly(0.5, 2)),
    Wander(4.6, 1.0, (0.0,)),
)

# Probability that a pulsed tone is switched on or off from a row to the next. In preset hard, that
# happens twice in 10 to 30 rows.
SWITCHES = 0.1

# Upper limit of a row's log likelihood ratio: float32 still holds a sum over states.
MAX_EXPONENT = np.float32(78.0)


class WanderSearch:
    """Searches images for tones that wander with one standard deviation.

    Args:
      wander: the standard deviation and the grid.
      profiles: response to such tones.
      strengths: strengths in decibels.
      pulsed: whether the tone is switched on and off.
    """

    def __init__(
        self, wander: Wander, profiles: Profiles, strengths: np.ndarray, pulsed: bool = False
    ) -> None:
        self.wander, self.strengths, self.pulsed = wander, strengths, pulsed
        self.states = np.arange(-MARGIN, WIDTH + MARGIN, wander.step)
        amplitudes = np.interp(strengths, profiles.strengths, profiles.amplitudes)
        self.amplitudes = amplitudes.astype(np.float32)
        self.banks = [
            # A tone that ends at a state is half a move before it in the middle of the row.
            profiles.make_bank(move, self.states - 0.5 * move)
            for move in wander.moves
        ]
        deviation = wander.deviation
        half = 0.5 * wander.step
        self.chance = np.stack(
            [
                gaussian.cdf((wander.moves + half - drift) / deviation)
                - gaussian.cdf((wander.moves - half - drift) / deviation)
                for drift in wander.drifts
            ]
        ).astype(np.float32)
        inside = (self.states > -0.5) & (self.states < WIDTH - 0.5)
        self.start = inside.astype(np.float32) / inside.sum()

    def __call__(self, dark: np.ndarray) -> np.ndarray:
        """Return the log likelihood ratio to noise, averaged over paths and drifts.

        Args:
          dark: whitened darkness, float32 [n, height, width].

        Returns:
          float64 [n, strengths].
        """
        count, levels, states = len(dark), len(self.amplitudes), len(self.states)
        # The axes of alpha are drifts, images, strengths and states. It holds the probabilities
        # while the tone is on, and `silent` while it is off.
        on = 0.5 if self.pulsed else 1.0
        shape = (len(self.chance), count, levels, states)
        alpha, silent = (np.full(shape, share * self.start, np.float32) for share in (on, 1 - on))
        log_scale = np.zeros((len(self.chance), count, levels))
        amplitude = self.amplitudes[:, None]
        shifts = np.rint(self.wander.moves / self.wander.step).astype(int)
        norms = [(0.5 * amplitude**2) * (bank * bank).sum(axis=0) for bank in self.banks]
        filtered = [dark @ bank for bank in self.banks]
        leaving = self._compute_leaving(shifts)
        for row in range(HEIGHT):
            if self.pulsed:
                switching = SWITCHES * (silent - alpha)
                alpha, silent = alpha + switching, silent - switching
            after, after_silent = np.zeros_like(alpha), np.zeros_like(alpha)
            for index, shift in enumerate(shifts):
                target = slice(max(shift, 0), states + min(shift, 0))
                source = slice(max(-shift, 0), states + min(-shift, 0))
                emission = amplitude * filtered[index][:, row, None, target]
                emission -= norms[index][:, target]
                np.exp(np.minimum(emission, MAX_EXPONENT, out=emission), out=emission)
                for drift, chance in enumerate(self.chance[:, index]):
                    if chance > 1e-4:
                        likelihood = emission * alpha[drift][..., source]
                        likelihood *= chance
                        after[drift][..., target] += likelihood
                        if self.pulsed:
                            after_silent[drift][..., target] += chance * silent[drift][..., source]
            # Paths that leave the grid stay at its edge.
            for edge, weights in leaving.items():
                after[..., edge] += np.einsum("dnas,ds->dna", alpha, weights)
                if self.pulsed:
                    after_silent[..., edge] += np.einsum("dnas,ds->dna", silent, weights)
            size = (after + after_silent).sum(axis=-1, keepdims=True)
            log_scale += np.log(size[..., 0])
            alpha, silent = after / size, after_silent / size
        return np.logaddexp.reduce(log_scale, axis=0) - np.log(len(self.chance))

    def _compute_leaving(self, shifts: np.ndarray) -> dict[int, np.ndarray]:
        """Return the probability to end beyond each edge, float32 [drifts, states], by edge."""
        states = len(self.states)
        ends = np.arange(states)[:, None] + shifts
        return {
            0: self.chance @ (ends < 0).T.astype(np.float32),
            -1: self.chance @ (ends >= states).T.astype(np.float32),
        }
