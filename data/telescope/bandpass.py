"""How the response of a telescope depends on frequency, and its removal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The response of a group of channels is the median of a quarter of its values, and of no fewer than
# these. If n values are exponentially distributed, as noise is, their median is known to 1.44 /
# sqrt(n). An error tilts the tile, and a model takes a tilt for a signal that is spread over the
# columns: the error must be much smaller than that of the sum of a column.
_VALUES, _FRACTION = 512, 4
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

    It is the median of a quarter of the values of a group of neighbouring channels, evenly spread
    over channels and rows, interpolated between groups. A narrow signal, even if it does not drift,
    is in few of these values and so stays.

    Args:
      power: float32 [rows, channels]. It may have NaN.
      group: channels in a group.

    Returns:
      float32 [channels], the median power of noise there.
    """
    rows, channels = power.shape
    enough = max(_VALUES, group * rows // _FRACTION)
    row_step = max(1, rows // max(_FEWEST_ROWS, enough // group))
    sampled = power[::row_step]
    step = max(1, group * len(sampled) // enough)
    groups = channels // group
    values = sampled[:, : groups * group].reshape(len(sampled), groups, group)[:, :, ::step]
    values = values.transpose(1, 0, 2).reshape(groups, -1)
    # NaN counts as greater than every number.
    middle = values.shape[1] // 2
    medians = np.nan_to_num(np.partition(values, middle, axis=1)[:, middle])
    return _interpolate(medians, group, channels)


def _interpolate(medians: NDArray[np.float32], group: int, channels: int) -> NDArray[np.float32]:
    """Interpolate linearly between the middles of groups; beyond the outermost, repeat these."""
    first = group // 2  # the first channel after the middle of a group
    weight = (np.arange(group, dtype=np.float32) + np.float32(0.5 - 0.5 * (group % 2))) / group
    between = medians[:-1, np.newaxis] * (1 - weight) + medians[1:, np.newaxis] * weight
    after = channels - first - between.size
    return np.pad(between.ravel(), (first, after), constant_values=(medians[0], medians[-1]))
