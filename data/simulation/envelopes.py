"""The envelope of a tone: its amplitude as a function of time.

Time runs from 0 to 1 of the observation, as in `data.simulation.paths`. Amplitude runs from 0
(silence) to 1 (the full strength of the tone).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from data.simulation.paths import Times

Envelope = Callable[[Times], NDArray[np.float64]]
"""From times, float64 of any shape, to amplitudes from 0 to 1 of the same shape."""


def constant_envelope() -> Envelope:
    """A tone that is always on."""
    return np.ones_like


def single_pulse_envelope(start: float, duration: float) -> Envelope:
    """A tone that is on once.

    Args:
      start: when it is switched on, in observations.
      duration: how long it stays on, in observations.
    """

    def amplitude(time: Times) -> NDArray[np.float64]:
        return ((time >= start) & (time < start + duration)).astype(np.float64)

    return amplitude


def square_wave_envelope(start: float, period: float, duty_cycle: float) -> Envelope:
    """A tone that is switched on and off at regular intervals.

    Args:
      start: one of the times when it is switched on, in observations.
      period: time from one such time to the next, in observations.
      duty_cycle: fraction of every period that the tone is on, 0 to 1.
    """

    def amplitude(time: Times) -> NDArray[np.float64]:
        return (np.mod(time - start, period) < duty_cycle * period).astype(np.float64)

    return amplitude
