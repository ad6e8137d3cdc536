"""The envelope of a tone: its amplitude as a function of time.

Time runs from 0 to 1 of the observation, as in `data.simulation.paths`. Amplitude runs from 0,
silence, to 1, the tone's full strength.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Envelope = Callable[[np.ndarray], np.ndarray]
"""Times, float64 of any shape, to amplitudes of the same shape, 0 to 1."""


def constant_envelope() -> Envelope:
    """A tone that is always on."""
    return np.ones_like


def single_pulse_envelope(start: float, duration: float) -> Envelope:
    """A tone that is on once.

    Args:
      start: when it is switched on, in observations.
      duration: how long it stays on, in observations.
    """

    def amplitude(time: np.ndarray) -> np.ndarray:
        return ((time >= start) & (time < start + duration)).astype(np.float64)

    return amplitude


def square_wave_envelope(start: float, period: float, duty_cycle: float) -> Envelope:
    """A tone that is switched on and off at regular intervals.

    Args:
      start: when it is switched on, once of many times, in observations.
      period: from one switching-on to the next, in observations.
      duty_cycle: the part of every period that the tone is on, 0 to 1.
    """

    def amplitude(time: np.ndarray) -> np.ndarray:
        return (np.mod(time - start, period) < duty_cycle * period).astype(np.float64)

    return amplitude
