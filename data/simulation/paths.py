"""The path of a tone: its frequency as a function of time.

Units, the same everywhere in this package:

* time runs from 0 (first sample) to 1 (last sample) of the observation;
* frequency runs from 0 (left edge of the band) to 1 (right edge);
* a drift rate is therefore in band widths per observation, and its derivative in band widths per
  observation squared. Multiplied by the image's width they are in pixels.

A path may leave the band. The code that plays the tone decides what happens there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
Path = Callable[[Times], NDArray[np.float64]]
"""From times, float64 of any shape, to frequencies of the same shape."""


def straight_path(start: float, drift_rate: float) -> Path:
    """A constant drift: f(t) = start + drift_rate t.

    Args:
      start: frequency at time 0, in band widths.
      drift_rate: band widths per observation.
    """

    def frequency(time: Times) -> NDArray[np.float64]:
        return start + drift_rate * time

    return frequency


def curved_path(start: float, drift_rate: float, drift_rate_derivative: float) -> Path:
    """A drift that itself changes: f(t) = start + drift_rate t + drift_rate_derivative t^2 / 2.

    Args:
      start: frequency at time 0, in band widths.
      drift_rate: drift at time 0, in band widths per observation.
      drift_rate_derivative: band widths per observation squared; see `sagitta`.
    """

    def frequency(time: Times) -> NDArray[np.float64]:
        return start + time * (drift_rate + 0.5 * drift_rate_derivative * time)

    return frequency


def wandering_path(start: float, drift_rate: float, steps: NDArray[np.float64]) -> Path:
    """A constant drift plus a random walk, interpolated linearly.

    Args:
      start: frequency at time 0, in band widths.
      drift_rate: mean drift, in band widths per observation.
      steps: float64 [K], what the walk adds in each K-th of the observation, in band widths. The
        caller draws them, so that the path itself remains a pure function.
    """
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    knots = np.linspace(0.0, 1.0, len(walk))

    def frequency(time: Times) -> NDArray[np.float64]:
        return start + drift_rate * time + np.interp(time, knots, walk)

    return frequency


def sagitta(drift_rate_derivative: float) -> float:
    """The greatest departure of a `curved_path` from the chord between its ends.

    With f(t) = a + b t + d t^2 / 2 the chord lies d t (1 - t) / 2 above the curve, which is
    greatest at t = 1/2: |d| / 8.

    Args:
      drift_rate_derivative: band widths per observation squared.

    Returns:
      Band widths; multiply by the image's width for pixels.
    """
    return abs(drift_rate_derivative) / 8.0
