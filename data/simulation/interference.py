"""What a receiver hears besides noise and signal: carriers, bursts, dead channels and more.

Each is added where it arises. A carrier and a burst are voltages at the receiver's input, before
the digitiser. A dead or hot channel and the receiver's own gain change the power that the FFT
measured. Times are in observations and frequencies in band widths, as in `data.simulation.paths`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.simulation.classes import Signal
from data.simulation.envelopes import Envelope, constant_envelope
from data.simulation.paths import straight_path


@dataclass(frozen=True)
class Burst:
    """Broadband noise that comes and goes, such as lightning or a spark.

    Attributes:
      start: when it begins, in observations.
      duration: how long it lasts, in observations.
      rise: increase of the noise power while it lasts, in decibels; greater than 0.
    """

    start: float
    duration: float
    rise: float


@dataclass(frozen=True)
class DeadBand:
    """Adjacent channels that report no power at all.

    Attributes:
      start: lower edge, in band widths.
      width: in band widths.
    """

    start: float
    width: float


@dataclass(frozen=True)
class HotBand:
    """Adjacent channels with more power than the others.

    Attributes:
      start: lower edge, in band widths.
      width: in band widths.
      rise: increase of their power, in decibels.
    """

    start: float
    width: float
    rise: float


@dataclass(frozen=True)
class Bandpass:
    """How the gain of the receiver depends on frequency: a slope and a standing wave.

    Attributes:
      slope: change from the lower to the upper edge of the band, in decibels.
      ripple: amplitude of the wave, in decibels.
      periods: periods of the wave in the band.
      phase: phase of the wave at the lower edge, in periods.
    """

    slope: float = 0.0
    ripple: float = 0.0
    periods: float = 0.0
    phase: float = 0.0


@dataclass(frozen=True)
class Interference:
    """Everything that is received besides noise and signal; by default nothing.

    Attributes:
      carriers: tones, see `carrier`.
      bursts: broadband noise.
      dead_bands: channels without power.
      hot_bands: channels with more power.
      bandpass: the gain of the receiver.
    """

    carriers: tuple[Signal, ...] = ()
    bursts: tuple[Burst, ...] = ()
    dead_bands: tuple[DeadBand, ...] = ()
    hot_bands: tuple[HotBand, ...] = ()
    bandpass: Bandpass = Bandpass()


def carrier(frequency: float, strength: float, envelope: Envelope | None = None) -> Signal:
    """A transmitter on the ground: a tone without drift, because nothing moves.

    Args:
      frequency: in band widths.
      strength: in decibels, as in `data.simulation.presets.Preset.strength`.
      envelope: when it is on; None for always.
    """
    return Signal(straight_path(frequency, 0.0), strength, envelope or constant_envelope())


def add_burst(
    voltage: NDArray[np.complex64],
    burst: Burst,
    noise_deviation: float,
    rng: np.random.Generator,
) -> None:
    """Add a burst to a voltage in place.

    The powers of independent noises add up, so the burst gets the power that is missing.

    Args:
      voltage: noise and tones, [samples].
      burst: what to add. What lies outside the observation is ignored.
      noise_deviation: standard deviation of each component of the noise that is there already.
      rng: source of the burst's noise.
    """
    first, end = _index_range(burst.start, burst.duration, len(voltage))
    components = rng.standard_normal(2 * (end - first), dtype=np.float32)
    components *= noise_deviation * math.sqrt(10.0 ** (burst.rise / 10.0) - 1.0)
    voltage[first:end] += components.view(np.complex64)


def change_gain(power_spectra: NDArray[np.float32], interference: Interference) -> None:
    """Change the power of the channels, of [rows, channels], in place."""
    channels = power_spectra.shape[1]
    bandpass = interference.bandpass
    frequency = (np.arange(channels) + 0.5) / channels
    wave = np.sin(2.0 * np.pi * (bandpass.periods * frequency + bandpass.phase))
    decibels = bandpass.slope * (frequency - 0.5) + bandpass.ripple * wave
    for hot in interference.hot_bands:
        first, end = _index_range(hot.start, hot.width, channels)
        decibels[first:end] += hot.rise
    if decibels.any():
        power_spectra *= (10.0 ** (decibels / 10.0)).astype(np.float32)
    for dead in interference.dead_bands:
        silence(power_spectra, dead)


def silence(power_spectra: NDArray[np.float32], dead: DeadBand) -> None:
    """Remove all power from the channels of a dead band, of [rows, channels], in place."""
    first, end = _index_range(dead.start, dead.width, power_spectra.shape[1])
    power_spectra[:, first:end] = 0.0


def _index_range(start: float, length: float, count: int) -> tuple[int, int]:
    """Return the first index of a range given in fractions of `count`, and the index after it."""
    first, end = (int(np.clip(round(edge * count), 0, count)) for edge in (start, start + length))
    return first, end
