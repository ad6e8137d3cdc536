"""The voltage of a signal: from its samples, or a file of the SETI Institute, to its spectrogram.

A file is a line of JSON, then the samples: real and imaginary part in a signed byte each.

    {"uuid": "000919a5-...", "signal_classification": "squiggle"}

In files with two lines of JSON, the first has `simulator_software_version` and the second counts.
The format: `SimCompamp` in ibmseti (https://github.com/ibm-watson-data-lab/ibmseti). ibmseti also
removes the mean of the samples, which the simulator does not do.
"""

from __future__ import annotations

import json
import math
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.layout import Layout
from data.spectrogram import choose_oversampling, compute_power, render

LABEL_KEY = "signal_classification"

BYTES_A_SAMPLE = 2
"""Bytes of a sample of two signed bytes."""

_PRIVATE_KEY = "simulator_software_version"

# Those of published files have some 100.
_MOST_HEADER_BYTES = 1 << 16

# What a digitiser of 16 bits gives at most. Powers of such voltages fit 32-bit floats.
_LARGEST_COMPONENT = 32_768.0


def count_samples(available: int, layout: Layout) -> int:
    """Return how many samples of a signal become its spectrogram, from the first one on.

    Args:
      available: samples of the signal.
      layout: size of the spectrogram.

    Raises:
      InvalidData: they are fewer than the pixels of a spectrogram.
    """
    if available < layout.pixels:
        raise InvalidData(
            f"the signal has {available:,} samples, and a spectrogram of {layout.height} x "
            f"{layout.width} needs at least {layout.pixels:,}. Set height and width to a smaller "
            "size."
        )
    return _choose_oversampling(available, layout) ** 2 * layout.pixels


def describe_use(available: int, layout: Layout) -> str:
    """Return a remark on a signal that is longer or shorter than its spectrogram needs, or ""."""
    best = choose_oversampling(layout.height, layout.width)
    used = count_samples(available, layout)
    if _choose_oversampling(available, layout) < best:
        full = best**2 * layout.pixels
        return f"signals with fewer than {full:,} samples, whose spectrograms are noisier for it"
    return f"signals of which only the first {used:,} samples are used" if used < available else ""


def _choose_oversampling(available: int, layout: Layout) -> int:
    """Return the greatest oversampling that the length allows, up to that of the simulator."""
    best = choose_oversampling(layout.height, layout.width)
    return min(math.isqrt(available // layout.pixels), best)


def render_voltage(samples: NDArray[Any], layout: Layout) -> NDArray[np.uint8]:
    """Turn the voltage of a signal into its spectrogram, as the simulator does.

    Args:
      samples: complex, or signed bytes [samples, 2], in steps of the digitiser. There are as many
        as `count_samples` says.
      layout: size of the spectrogram.

    Returns:
      uint8 [height x width].

    Raises:
      InvalidData: a sample is not finite or too large, or all are too small.
    """
    if samples.dtype.kind == "c":
        with np.errstate(over="ignore", invalid="ignore"):
            voltage = samples.astype(np.complex64)
    else:
        voltage = samples.astype(np.float32).view(np.complex64)[:, 0]
    size = np.abs(voltage.view(np.float32)).reshape(-1, 2)
    bad = ~(size <= _LARGEST_COMPONENT).all(axis=1)  # also of NaN
    if bad.any():
        number = int(bad.argmax())
        raise InvalidData(
            f"sample {number + 1:,} is {samples[number]:g}, and each part of a voltage is between "
            f"-{_LARGEST_COMPONENT:,.0f} and {_LARGEST_COMPONENT:,.0f}, in steps of the digitiser."
        )
    oversampling = math.isqrt(len(voltage) // layout.pixels)
    power = compute_power(voltage.reshape(oversampling * layout.height, -1))
    if power.max() <= 1.0:
        raise InvalidData(
            "the voltage is silent, or in other units: its power is nowhere greater than 1. "
            "Voltages are in steps of the digitiser; noise has a standard deviation near 13 in the "
            "published ones."
        )
    return render(power, layout.height, layout.width).ravel()


def read_header(stream: IO[bytes]) -> tuple[dict[str, Any], int]:
    """Read the JSON at the beginning of a file.

    Returns:
      The header, and the byte at which the samples start.

    Raises:
      InvalidData: there is none.
    """
    content = stream.read(_MOST_HEADER_BYTES)
    header, start = _parse_line(content, 0)
    if _PRIVATE_KEY in header:
        header, start = _parse_line(content, start)
    return header, start


def _parse_line(content: bytes, start: int) -> tuple[dict[str, Any], int]:
    end = content.find(b"\n", start)
    try:
        # The parser fails in the second way on thousands of brackets.
        header = json.loads(content[start:end]) if end >= 0 else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise InvalidData(
            "the file does not begin with a line of JSON in braces, as files of the SETI Institute "
            "do."
        )
    return header, end + 1
