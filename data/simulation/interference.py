"""What a receiver hears besides noise and signal: carriers, bursts, dead channels.

Each is made where it arises: a carrier and a burst are voltages at the receiver's input, before the
digitiser; a dead channel loses the power that the FFT has found. Times are in observations and
frequencies in band widths, as in `data.simulation.paths`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from data.simulation.classes import Signal
from data.simulation.paths import straight_path


@dataclass(frozen=True)
class Burst:
    """Broadband noise that comes and goes, such as lightning or a spark.

    Attributes:
      start: when it begins, in observations.
      duration: how long it lasts, in observations.
      rise: by how much it raises the noise power while it lasts, in decibels, above 0.
    """

    start: float
    duration: float
    rise: float


@dataclass(frozen=True)
class DeadBand:
    """Neighbouring channels that report no power at all.

    Attributes:
      start: the lower edge, in band widths.
      width: in band widths.
    """

    start: float
    width: float


@dataclass(frozen=True)
class Interference:
    """Everything that is heard besides noise and signal; by default nothing.

    Attributes:
      carriers: tones, see `carrier`.
      bursts: broadband noise.
      dead_bands: channels without power.
    """

    carriers: tuple[Signal, ...] = ()
    bursts: tuple[Burst, ...] = ()
    dead_bands: tuple[DeadBand, ...] = ()


def carrier(frequency: float, strength: float) -> Signal:
    """A transmitter on the ground: a tone that does not drift, because nothing moves.

    Args:
      frequency: in band widths.
      strength: in decibels, as in `data.simulation.presets.Preset.strength`.
    """
    return Signal(straight_path(frequency, 0.0), strength)


def add_burst(
    voltage: np.ndarray, burst: Burst, noise_deviation: float, rng: np.random.Generator
) -> None:
    """Adds a burst to complex64 [samples] in place.

    Independent noises add up in power, so what is added has the power that is missing.

    Args:
      voltage: noise and tones.
      burst: what to add; the part that lies outside the observation is not heard.
      noise_deviation: standard deviation of each component of the noise that `rise` is over.
      rng: where the burst comes from.
    """
    first, last = _span(burst.start, burst.duration, len(voltage))
    components = rng.standard_normal(2 * (last - first), dtype=np.float32)
    components *= noise_deviation * math.sqrt(10.0 ** (burst.rise / 10.0) - 1.0)
    voltage[first:last] += components.view(np.complex64)


def silence(power_spectra: np.ndarray, dead: DeadBand) -> None:
    """Takes all power from the channels of a dead band, of float32 [rows, channels], in place."""
    first, last = _span(dead.start, dead.width, power_spectra.shape[1])
    power_spectra[:, first:last] = 0.0


def _span(start: float, length: float, whole: int) -> tuple[int, int]:
    """From parts of the whole to the first index in and the first behind."""
    first, last = (int(np.clip(round(edge * whole), 0, whole)) for edge in (start, start + length))
    return first, last
