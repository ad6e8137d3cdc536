"""Turns a tone in noise into a grey-scale spectrogram, as the published set was made.

1. Complex voltage: white Gaussian noise plus a tone that follows its path and its envelope.
2. Cut into rows, FFT of each row, fftshift, squared modulus.
3. Natural logarithm, divided by the greatest value of the image.
4. Matplotlib's jet colours, resized with PIL's anti-aliasing filter, converted to luma.

Steps 2 to 4 follow `seti_signal_to_mnist_format.ipynb` (IBM/powerai-seti-signal-classification).
The noise level and the signed bytes of step 1 follow the simulator that made the published set
(setiQuest/seti_signal_sim).
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from data.simulation.classes import Signal
from data.simulation.interference import Interference, add_burst, silence

SIGNAL_SAMPLES = 196_608
"""Complex samples of a published signal: 32 lines of 6,144 (setiQuest/seti_signal_sim).

Signals of 792,576 samples were published too, but in other sets (see the data card).
"""

LARGEST_OVERSAMPLING = 4
"""Oversampling of the published 64 x 128 images."""

NOISE_DEVIATION = 13.0
"""Standard deviation of each voltage component, in steps of the 8-bit digitiser."""

LARGEST_VOLTAGE = 127.0
"""Voltage at which the 8-bit digitiser clips, in its own steps."""


def choose_oversampling(height: int, width: int) -> int:
    """Return the FFT rows per image row, which are also the FFT channels per image column.

    As in the published notebook, this is the greatest whole number that the length of a signal
    allows: 4 for 64 x 128, 1 for the 384 x 512 of the published primary spectrograms. For smaller
    images it stays 4, which keeps the published pixel noise. Their signals are shorter.
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

    Returns:
      uint8 [height, width], 0 to 255.
    """
    oversampling = oversampling or choose_oversampling(height, width)
    rows, channels = oversampling * height, oversampling * width
    interference = interference or Interference()
    voltage = draw_noise(rows * channels, noise_rng, noise_deviation)
    if signal is not None:
        add_tone(voltage, signal, channels, noise_deviation)
    for tone in interference.carriers:
        add_tone(voltage, tone, channels, noise_deviation)
    for burst in interference.bursts:
        add_burst(voltage, burst, noise_deviation, noise_rng)
    spectra = compute_power(digitise(voltage).reshape(rows, channels))
    for dead in interference.dead_bands:
        silence(spectra, dead)
    return render(spectra, height, width)


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


def compute_power(voltage: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return power spectra [rows, channels] of a voltage [rows, samples], low frequencies first."""
    import scipy.fft

    # One thread: the processes that call this already fill the cores.
    spectra = scipy.fft.fft(voltage, axis=1, overwrite_x=True, workers=1).view(np.float32)
    np.square(spectra, out=spectra)
    return np.fft.fftshift(spectra[:, 0::2] + spectra[:, 1::2], axes=1)


def render(power_spectra: NDArray[np.float32], height: int, width: int) -> NDArray[np.uint8]:
    """Turn power into grey-scale images: steps 3 and 4.

    A loud pixel is *dark*: the red at the upper end of jet is less luminous than the yellow and
    cyan in its middle. Without a loud signal to divide by, all noise moves towards that end.

    Args:
      power_spectra: float32 [..., rows, channels]. Values below 1 count as 1.
      height: rows of an image.
      width: columns of an image.

    Returns:
      uint8 [..., height, width].
    """
    # After digitising, the power of a channel can be exactly zero, whose logarithm is infinite.
    return render_logarithms(np.log(np.maximum(power_spectra, np.float32(1.0))), height, width)


def render_logarithms(
    logarithms: NDArray[np.float32], height: int, width: int
) -> NDArray[np.uint8]:
    """Turn logarithms of power, all 0 or greater, into images as `render` does."""
    from PIL import Image

    greatest = logarithms.max(axis=(-2, -1), keepdims=True)
    level = logarithms * (np.float32(256.0) / np.where(greatest > 0.0, greatest, np.float32(1.0)))
    # Matplotlib maps a float to one of 256 colours in this way. A level of 1 gets the last one.
    colour = np.minimum(level, np.float32(255.0), out=level).astype(np.uint8)
    jet, luma = _list_colours()
    if colour.shape[-2:] == (height, width):
        return np.take(luma, colour)
    size, filtered = (width, height), Image.Resampling.LANCZOS
    # Resized before it is converted to grey: the filter clips red, green and blue separately.
    images = [
        np.asarray(Image.fromarray(jet[image]).resize(size, filtered).convert("L"))
        for image in colour.reshape(-1, *colour.shape[-2:])
    ]
    return np.reshape(images, (*colour.shape[:-2], height, width))


@functools.cache
def _list_colours() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the colours of jet [256, red green blue] and their luma [256]."""
    import matplotlib as mpl
    from PIL import Image

    jet = mpl.colormaps["jet"](np.arange(256), bytes=True)[:, :3]
    return jet, np.asarray(Image.fromarray(jet[np.newaxis]).convert("L"))[0]
