"""Turns a voltage into a grey-scale spectrogram, as the published sets were made.

1. Complex voltage, in steps of an 8-bit digitiser. `data.simulation` simulates one.
2. Cut into rows, FFT of each row, fftshift, squared modulus.
3. Natural logarithm, divided by the greatest value of the image.
4. Matplotlib's jet colours, resized with PIL's anti-aliasing filter, converted to luma.

Steps 2 to 4 follow `seti_signal_to_mnist_format.ipynb` (IBM/powerai-seti-signal-classification).
The larger published sets, called primary, show the amplitude instead of steps 3 and 4, see
`render_amplitude`.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

SIGNAL_SAMPLES = 196_608
"""Complex samples of a published signal: 32 lines of 6,144 (setiQuest/seti_signal_sim).

Signals of 792,576 samples were published too, but in other sets (see the data card).
"""

LARGEST_OVERSAMPLING = 4
"""Oversampling of the published 64 x 128 images."""


def choose_oversampling(height: int, width: int) -> int:
    """Return the FFT rows per image row, which are also the FFT channels per image column.

    As in the published notebook, this is the greatest whole number that the length of a signal
    allows: 4 for 64 x 128, 1 for the 384 x 512 of the published primary spectrograms. For smaller
    images it stays 4, which keeps the published pixel noise. Their signals are shorter.
    """
    allowed = math.isqrt(SIGNAL_SAMPLES // (height * width))
    return min(max(allowed, 1), LARGEST_OVERSAMPLING)


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

    level = _scale_to_greatest(logarithms, 256.0)
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


def render_amplitude(
    power_spectra: NDArray[np.float32], height: int, width: int
) -> NDArray[np.uint8]:
    """Turn power into grey-scale images in which a loud pixel is light.

    The level of a pixel is its amplitude, relative to the greatest of the image. In the published
    primary spectrograms, levels of noise have the distribution of an amplitude: a skewness of 0.63
    to 0.65 and an excess kurtosis of 0.23 to 0.29. A Rayleigh distribution has 0.63 and 0.25.

    Args:
      power_spectra: float32 [..., rows, channels], multiples of `height` and `width`. An image is
        averaged down after it has been rendered, like a published one that is averaged down.
      height: rows of an image.
      width: columns of an image.

    Returns:
      uint8 [..., height, width].
    """
    level = _scale_to_greatest(np.sqrt(power_spectra), 255.0)
    *images, rows, channels = level.shape
    blocks = level.reshape(*images, height, rows // height, width, channels // width)
    return np.rint(blocks.mean(axis=(-3, -1))).astype(np.uint8)


RENDERINGS = {"jet": render, "amplitude": render_amplitude}
"""Ways to turn power into images: that of the published basic set, and that of the primary sets."""


def _scale_to_greatest(images: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    """Bring the greatest value of each image to a level. An image of zeros stays the same."""
    greatest = images.max(axis=(-2, -1), keepdims=True)
    return images * (np.float32(level) / np.where(greatest > 0.0, greatest, np.float32(1.0)))


@functools.cache
def _list_colours() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the colours of jet [256, red green blue] and their luma [256]."""
    import matplotlib as mpl
    from PIL import Image

    jet = mpl.colormaps["jet"](np.arange(256), bytes=True)[:, :3]
    return jet, np.asarray(Image.fromarray(jet[np.newaxis]).convert("L"))[0]
