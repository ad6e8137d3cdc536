"""Simulates the voltage of a tone in noise, and makes its spectrogram.

The voltage is complex: white Gaussian noise plus a tone that follows its path and its envelope. Its
noise level and its signed bytes follow the simulator that made the published set
(setiQuest/seti_signal_sim). `data.spectrogram` does the rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.simulation.classes import Signal
from data.simulation.interference import Interference, add_burst, change_gain
from data.spectrogram import RENDERINGS, choose_oversampling, compute_power

NOISE_DEVIATION = 13.0
"""Standard deviation of each voltage component, in steps of the 8-bit digitiser."""

LARGEST_VOLTAGE = 127.0
"""Voltage at which the 8-bit digitiser clips, in its own steps."""


def simulate_spectrogram(
    signal: Signal | None,
    height: int,
    width: int,
    noise_rng: np.random.Generator,
    oversampling: int | None = None,
    noise_deviation: float = NOISE_DEVIATION,
    interference: Interference | None = None,
    rendering: str = "jet",
) -> NDArray[np.uint8]:
    """Simulate one spectrogram.

    Args:
      signal: the tone, or None for pure noise.
      height: rows (time) of the image.
      width: columns (frequency) of the image.
      noise_rng: source of the receiver's noise.
      oversampling: FFT rows per image row and FFT channels per image column; None for that of
        `choose_oversampling`.
      noise_deviation: standard deviation of each voltage component of the noise, in steps of the
        digitiser. The strength of a signal is relative to the noise, so the signal scales with
        it. Only the coarseness of the digitisation and the amount of clipping change.
      interference: what else is received; None for nothing.
      rendering: a key of `data.spectrogram.RENDERINGS`.

    Returns:
      uint8 [height, width], 0 to 255.
    """
    oversampling = oversampling or choose_oversampling(height, width)
    interference = interference or Interference()
    rows, channels = oversampling * height, oversampling * width
    voltage = simulate_voltage(signal, rows, channels, noise_rng, noise_deviation, interference)
    spectra = compute_power(voltage.reshape(rows, channels))
    change_gain(spectra, interference)
    return RENDERINGS[rendering](spectra, height, width)


def simulate_voltage(
    signal: Signal | None,
    rows: int,
    channels: int,
    noise_rng: np.random.Generator,
    noise_deviation: float = NOISE_DEVIATION,
    interference: Interference | None = None,
) -> NDArray[np.complex64]:
    """Simulate the digitised voltage of one spectrogram.

    Args:
      signal: see `simulate_spectrogram`.
      rows: FFT rows, which are cut from the voltage.
      channels: samples in an FFT row.
      noise_rng: see `simulate_spectrogram`.
      noise_deviation: see `simulate_spectrogram`.
      interference: see `simulate_spectrogram`. Dead and hot channels and the
        receiver's gain are not in the voltage.

    Returns:
      complex64 [rows x channels], whole numbers in steps of the digitiser.
    """
    interference = interference or Interference()
    voltage = draw_noise(rows * channels, noise_rng, noise_deviation)
    tones = interference.carriers if signal is None else (signal, *interference.carriers)
    for tone in tones:
        add_tone(voltage, tone, channels, noise_deviation)
    for burst in interference.bursts:
        add_burst(voltage, burst, noise_deviation, noise_rng)
    return digitise(voltage)


def draw_noise(
    samples: int, rng: np.random.Generator, deviation: float = NOISE_DEVIATION
) -> NDArray[np.complex64]:
    """Draw white Gaussian noise, [samples], with this standard deviation in each component."""
    components = rng.standard_normal(2 * samples, dtype=np.float32)
    components *= deviation
    return components.view(np.complex64)


def compute_amplitude(strength: float, channels: int) -> float:
    """Return the amplitude of a tone, in noise standard deviations of one component.

    An FFT over n samples gathers a steady tone of amplitude A s into one channel with power
    (A s n)^2. There, noise of standard deviation s has a mean power of 2 s^2 n. Their ratio is
    A^2 n / 2.

    Args:
      strength: in decibels, as in `Preset.strength`.
      channels: samples in an FFT row, n.
    """
    return float(np.sqrt(2.0 * 10.0 ** (strength / 10.0) / channels))


def add_tone(
    voltage: NDArray[np.complex64],
    signal: Signal,
    channels: int,
    noise_deviation: float = NOISE_DEVIATION,
) -> None:
    """Add a tone to a voltage [samples] in place.

    As in the published simulator, the tone is silent while its path is outside the band, instead
    of reappearing on the other side, and its phase continues while it is silent.
    """
    time = np.linspace(0.0, 1.0, len(voltage))
    frequency = signal.path(time)
    full_amplitude = np.float32(compute_amplitude(signal.strength, channels) * noise_deviation)
    amplitude = full_amplitude * signal.envelope(time).astype(np.float32)
    amplitude[(frequency < 0.0) | (frequency >= 1.0)] = 0.0
    # After fftshift, channel 0 is -1/2 cycle per sample. Whole cycles are dropped in double
    # precision: after 131,072 samples they would leave no digits for the phase in single precision.
    cycles = np.cumsum(frequency - 0.5)
    cycles -= np.floor(cycles)
    phase = np.float32(2.0 * np.pi) * cycles.astype(np.float32)
    voltage.real += amplitude * np.cos(phase)
    voltage.imag += amplitude * np.sin(phase)


def digitise(voltage: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Truncate and clip each component in place, as if it were stored in a signed byte."""
    components = voltage.view(np.float32)
    np.trunc(components, out=components)
    np.clip(components, -LARGEST_VOLTAGE, LARGEST_VOLTAGE, out=components)
    return voltage
