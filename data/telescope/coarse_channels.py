"""The coarse channels of a telescope, which its fine channels divide.

A telescope first divides its band into coarse channels, and then each of these into the channels of
a file. The middle channel of a coarse channel (DC) holds what the digitiser adds to every voltage.
At its edges, the filter that separates coarse channels lets less power through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.telescope.header import Header

_COARSE_MHZ = 187.5 / 64
"""Width of Breakthrough Listen's coarse channels at Green Bank, in MHz (arXiv:1906.07391)."""

_COMMON_CHANNELS = 1 << 20
"""Channels in a coarse channel of most files with narrow channels, at other telescopes too."""

_FEWEST_CHANNELS = 8
_EDGE_FRACTION = 1 / 20


@dataclass(frozen=True)
class CoarseChannels:
    """The division of an observation's channels. Channels count from the lowest frequency.

    Attributes:
      channels: channels in a coarse channel; 0 if the division is unknown.
      middle: the DC channel within a coarse channel.
    """

    channels: int
    middle: int

    def list_dc_channels(self, channels: range) -> NDArray[np.int64]:
        """Return the DC channels in a range of channels."""
        if self.channels == 0:
            return np.empty(0, np.int64)
        first = -(-(channels.start - self.middle) // self.channels)
        last = -(-(channels.stop - self.middle) // self.channels)
        return self.middle + self.channels * np.arange(first, last)

    def measure_edges(self, start: NDArray[np.int64], width: int) -> NDArray[np.float64]:
        """Return which fraction of ranges of channels is at the edges of coarse channels.

        Args:
          start: int64 [n], the first channel of each range.
          width: channels in each range.

        Returns:
          float64 [n], 0 to 1: the fraction within a twentieth of a coarse channel from its ends.
        """
        if self.channels == 0:
            return np.zeros(len(start))
        return (self._count_edges(start + width) - self._count_edges(start)) / width

    def _count_edges(self, before: Any) -> Any:
        """Return the number of channels at edges before a channel."""
        edge = round(_EDGE_FRACTION * self.channels)
        whole, rest = np.divmod(before, self.channels)
        upper = np.maximum(rest - (self.channels - edge), 0)
        return whole * 2 * edge + np.minimum(rest, edge) + upper


def find_coarse_channels(header: Header, number: int | None, path: str) -> CoarseChannels:
    """Return the coarse channels of an observation.

    Args:
      header: its header.
      number: how many there are; 0 for none; None to conclude it from the width of a channel.
      path: the file, for messages.

    Raises:
      InvalidData: the channels cannot be divided into so many.
    """
    channels = _infer_channels(header) if number is None else 0
    if number:
        channels, rest = divmod(header.channels, number)
        if rest or channels < _FEWEST_CHANNELS:
            raise InvalidData(
                f"{path} has {header.channels:,} channels, which cannot be {number:,} coarse "
                f"channels of at least {_FEWEST_CHANNELS} channels each. Correct --coarse-channels."
            )
    # As blimpy counts, in the order of the file.
    middle = channels // 2
    return CoarseChannels(channels, channels - 1 - middle if header.is_descending else middle)


def _infer_channels(header: Header) -> int:
    """Return the channels in a coarse channel, if the file is like a known one; else 0."""
    ratio = _COARSE_MHZ / header.channel_mhz
    # Some headers give foff with six digits.
    likely = [round(ratio)] if abs(ratio - round(ratio)) < 1e-5 * ratio else []
    for channels in (*likely, _COMMON_CHANNELS):
        if channels >= _FEWEST_CHANNELS and header.channels % channels == 0:
            return channels
    return 0
