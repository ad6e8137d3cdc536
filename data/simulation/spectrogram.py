"""From a tone in noise to a grey-scale spectrogram, the way the published set was made.

1. complex voltage: white Gaussian noise plus a tone that follows its path and its envelope;
2. cut into rows, FFT of each row, fftshift, squared modulus;
3. natural log, divided by the greatest value of the image;
4. matplotlib's jet colours, resized with PIL's anti-aliasing filter, converted to luma.

Steps 2 to 4 follow `seti_signal_to_mnist_format.ipynb` (IBM/powerai-seti-signal-classification),
the noise level and the signed bytes of step 1 the simulator behind the published set
(setiQuest/seti_signal_sim).
"""

from __future__ import annotations

import math

import numpy as np

from data.simulation.classes import Signal
from data.simulation.interference import Interference, add_burst, silence

SIGNAL_SAMPLES = 196_608
"""Complex samples of a published signal: 32 lines of 6,144 (setiQuest/seti_signal_sim).

Signals of 792,576 samples were published too, but not as these sets (see the data card).
"""

LARGEST_OVERSAMPLING = 4
"""What the published 64 x 128 images have."""

NOISE_DEVIATION = 13.0
"""Standard deviation of each voltage component, in steps of the 8-bit digitiser."""

LARGEST_VOLTAGE = 127.0
"""Where the 8-bit digitiser clips, in its own steps."""


def published_oversampling(height: int, width: int) -> int:
    """FFT rows per image row, and FFT channels per image column.

    As in the published notebook the greatest whole number that a signal's length allows: 4 for
    64 x 128, 1 for the 384 x 512 of the published primary spectrograms. Smaller images keep to 4,
    and so to the published pixel noise: they are of shorter signals.
    """
    allowed = math.isqrt(SIGNAL_SAMPLES // (height * width))
    return min(max(allowed, 1), LARGEST_OVERSAMPLING)


def simulate_spectrogram(
    signal: Signal | None,
    height: int,
    width: int,
    noise_rng: np.random.Generator,
    oversampling: int | None = None,
    noise_deviation: float = NOISE_DEVIATION,
    interference: Interference | None = None,
) -> np.ndarray:
    """One simulated spectrogram.

    Args:
      signal: the tone, or None for pure noise.
      height: rows (time) of the image.
      width: columns (frequency) of the image.
      noise_rng: where the receiver's noise comes from.
      oversampling: FFT rows per image row, and FFT channels per image column; None for
        `published_oversampling`.
      noise_deviation: standard deviation of each voltage component of the noise, in steps of the
        digitiser. A signal's strength is over the noise, so it scales with it: what changes is
        how coarsely both are digitised, and how much of them is clipped.
      interference: what else is heard; None for nothing.

    Returns:
      uint8 [height, width], 0 to 255.
    """
    oversampling = oversampling or published_oversampling(height, width)
    rows, channels = oversampling * height, oversampling * width
    interference = interference or Interference()
    voltage = receiver_noise(rows * channels, noise_rng, noise_deviation)
    if signal is not None:
        add_tone(voltage, signal, channels, noise_deviation)
    for tone in interference.carriers:
        add_tone(voltage, tone, channels, noise_deviation)
    for burst in interference.bursts:
        add_burst(voltage, burst, noise_deviation, noise_rng)
    spectra = power(digitise(voltage).reshape(rows, channels))
    for dead in interference.dead_bands:
        silence(spectra, dead)
    return render(spectra, height, width)


def receiver_noise(
    samples: int, rng: np.random.Generator, deviation: float = NOISE_DEVIATION
) -> np.ndarray:
    """White Gaussian noise, complex64 [samples], of that deviation in each component."""
    components = rng.standard_normal(2 * samples, dtype=np.float32)
    components *= deviation
    return components.view(np.complex64)


def tone_amplitude(strength: float, channels: int) -> float:
    """Amplitude of the tone of that strength, in noise standard deviations of one component.

    An FFT over n samples gathers a steady tone of amplitude A s into one channel of power
    (A s n)^2, where noise has a mean power of 2 s^2 n. Their ratio is A^2 n / 2.

    Args:
      strength: decibels, as in `Preset.strength`.
      channels: samples in an FFT row, n.
    """
    return float(np.sqrt(2.0 * 10.0 ** (strength / 10.0) / channels))


def add_tone(
    voltage: np.ndarray, signal: Signal, channels: int, noise_deviation: float = NOISE_DEVIATION
) -> None:
    """Adds the tone to complex64 [samples] in place; silent while its path is outside the band.

    Its phase runs on while it is silent, as in the published simulator.

    The published simulator also switches a tone off where it crosses the edge of the band, instead
    of letting it come back in on the other side.
    """
    time = np.linspace(0.0, 1.0, len(voltage))
    frequency = signal.path(time)
    amplitude = tone_amplitude(signal.strength, channels) * noise_deviation
    amplitude = np.float32(amplitude) * signal.envelope(time).astype(np.float32)
    amplitude[(frequency < 0.0) | (frequency >= 1.0)] = 0.0
    # After fftshift, channel 0 is -1/2 cycle per sample. Whole cycles are dropped in double
    # precision, before the phase becomes single: after 131,072 samples they would drown it.
    cycles = np.cumsum(frequency - 0.5)
    cycles -= np.floor(cycles)
    phase = np.float32(2.0 * np.pi) * cycles.astype(np.float32)
    voltage.real += amplitude * np.cos(phase)
    voltage.imag += amplitude * np.sin(phase)


def digitise(voltage: np.ndarray) -> np.ndarray:
    """Each component as a signed byte would hold it: cut towards zero, clipped; in place."""
    components = voltage.view(np.float32)
    np.trunc(components, out=components)
    np.clip(components, -LARGEST_VOLTAGE, LARGEST_VOLTAGE, out=components)
    return voltage


def power(voltage: np.ndarray) -> np.ndarray:
    """Power spectra of complex64 [rows, channels], low to high frequency, float32."""
    import scipy.fft

    # One thread: the processes that call this already fill the cores.
    spectra = scipy.fft.fft(voltage, axis=1, overwrite_x=True, workers=1)
    spectra = spectra.view(np.float32)
    np.square(spectra, out=spectra)
    return np.fft.fftshift(spectra[:, 0::2] + spectra[:, 1::2], axes=1)


def render(power_spectra: np.ndarray, height: int, width: int) -> np.ndarray:
    """Step 3 and 4: power, float32 [rows, channels], to uint8 [height, width].

    A loud pixel is *dark*: at the upper end of jet, red is less luminous than the yellow and
    cyan of the middle. Without a loud signal to divide by, all noise moves towards that end.
    """
    from PIL import Image

    # A channel of exactly zero power, possible after digitising, would be minus infinity.
    level = np.log(np.maximum(power_spectra, np.float32(1.0)))
    level *= np.float32(256.0) / level.max()
    # 256 colours, the last for exactly 1 as well: how matplotlib maps a float to a colour.
    colour = np.minimum(level, np.float32(255.0)).astype(np.uint8)
    image = Image.fromarray(jet_colours()[colour])
    # In colour, and only then to grey: the filter clips each of red, green and blue by itself.
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS).convert("L"))


def jet_colours() -> np.ndarray:
    """Matplotlib's jet as bytes, uint8 [256, 3]."""
    import matplotlib

    return matplotlib.colormaps["jet"](np.arange(256), bytes=True)[:, :3]
