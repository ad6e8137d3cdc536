"""How the response of a telescope depends on frequency, and its removal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Values whose median is the response of a group of channels. If the power is exponentially
# distributed, as that of noise, the median of so many is known to 6 %: one of 256 grey levels.
_VALUES = 512
_FEWEST_ROWS = 32

_FEWEST_CHANNELS, _MOST_CHANNELS = 8, 1024
_GROUPS = 64


def choose_group(band_channels: int) -> int:
    """Return the channels in a group, over which the response is taken as smooth.

    Args:
      band_channels: channels in a coarse channel, or in the whole band.
    """
    return min(max(band_channels // _GROUPS, _FEWEST_CHANNELS), _MOST_CHANNELS, band_channels)


def measure_bandpass(power: NDArray[np.float32], group: int) -> NDArray[np.float32]:
    """Measure the response of every channel.

    It is the median of some 512 values of a group of neighbouring channels, evenly spread over
    channels and rows, and interpolated linearly between the middles of groups. A narrow signal,
    even if it does not drift, is in few of these values and so stays.

    Args:
      power: float32 [rows, channels]. It may have NaN.
      group: channels in a group.

    Returns:
      float32 [channels], the median power of noise there.
    """
    rows, channels = power.shape
    row_step = max(1, rows // max(_FEWEST_ROWS, _VALUES // group))
    sampled = power[::row_step]
    step = max(1, group * len(sampled) // _VALUES)
    groups = channels // group
    values = sampled[:, : groups * group].reshape(len(sampled), groups, group)[:, :, ::step]
    medians = _median(values.transpose(1, 0, 2).reshape(groups, -1))
    middles = group * (np.arange(groups) + 0.5) - 0.5
    if channels % group:  # the last group overlaps the one before
        medians = np.append(medians, _median(sampled[np.newaxis, :, -group:].reshape(1, -1)))
        middles = np.append(middles, channels - 0.5 * group - 0.5)
    return np.interp(np.arange(channels), middles, medians).astype(np.float32)


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of each row [groups, values]; 0 for a group without any number."""
    medians = np.median(values, axis=1)
    for group in np.flatnonzero(np.isnan(medians)):
        numbers = values[group][~np.isnan(values[group])]
        medians[group] = np.median(numbers) if numbers.size else 0.0
    return medians
