"""What the header of an observation says, whatever the format of its file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.invalid import InvalidData

SECONDS_PER_DAY = 86_400.0

# Far beyond any telescope, and small enough that sums and products of them are finite.
_LARGEST = 1e12

_TYPES: dict[int, np.dtype[Any]] = {
    bits: np.dtype(name) for bits, name in ((8, "<u1"), (16, "<u2"), (32, "<f4"))
}


@dataclass(frozen=True)
class Header:
    """Frequencies, times and size of an observation.

    Channels count from 0 at the lowest frequency, whatever their order in the file. Rows are
    spectra, one after another in time.

    Attributes:
      source: name of what was observed; may be empty.
      first_mhz: centre of the first channel in the file, in MHz (keyword fch1).
      step_mhz: from one channel in the file to the next, in MHz; negative where the file begins
        with the highest frequency (foff).
      row_seconds: from one row to the next, in s (tsamp).
      start_mjd: time of the first row, a Modified Julian Date (tstart).
      channels: channels in a row (nchans).
      rows: rows in the file.
      ifs: spectra of each row, such as polarisations (nifs). Only the first is read.
      bits: of a value (nbits): 8 and 16 are whole numbers, 32 floating-point numbers.
    """

    source: str
    first_mhz: float
    step_mhz: float
    row_seconds: float
    start_mjd: float
    channels: int
    rows: int
    ifs: int
    bits: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values in the file."""
        return _TYPES[self.bits]

    @property
    def is_descending(self) -> bool:
        """Whether the file begins with the highest frequency."""
        return self.step_mhz < 0.0

    @property
    def channel_mhz(self) -> float:
        """Width of a channel in MHz, positive."""
        return abs(self.step_mhz)

    @property
    def lowest_mhz(self) -> float:
        """Centre of the channel with the lowest frequency, in MHz."""
        return self.first_mhz + min(self.step_mhz, 0.0) * (self.channels - 1)

    @property
    def highest_mhz(self) -> float:
        """Centre of the channel with the highest frequency, in MHz."""
        return self.first_mhz + max(self.step_mhz, 0.0) * (self.channels - 1)

    @property
    def seconds(self) -> float:
        """Duration in s."""
        return self.rows * self.row_seconds

    def frequency(self, channel: Any) -> Any:
        """Return the centre of a channel, or of an array of channels, in MHz."""
        return self.lowest_mhz + channel * self.channel_mhz

    def mjd(self, row: Any) -> Any:
        """Return the time at which a row, or each of an array of rows, begins."""
        return self.start_mjd + row * (self.row_seconds / SECONDS_PER_DAY)

    def __str__(self) -> str:
        half = self.channel_mhz / 2
        low, high = self.lowest_mhz - half, self.highest_mhz + half
        return (
            f"{self.source or 'no source named'}, {low:,.3f} to {high:,.3f} MHz, "
            f"{self.rows:,} rows of {self.channels:,} channels, "
            f"{1e6 * self.channel_mhz:,.2f} Hz x {self.row_seconds:.4g} s"
        )


def check_header(header: Header, path: str) -> None:
    """Refuse a header that cannot be true.

    Raises:
      InvalidData: naming the file and the keyword.
    """
    _check_sizes(header, path)
    numbers = {
        "fch1": header.first_mhz,
        "foff": header.step_mhz,
        "tsamp": header.row_seconds,
        "tstart": header.start_mjd,
    }
    for keyword, number in numbers.items():
        if not math.isfinite(number) or abs(number) > _LARGEST:
            raise InvalidData(f"{path} has the impossible {keyword} {number:g} in its header.")
    if header.step_mhz == 0.0:
        raise InvalidData(
            f"{path} has foff 0 in its header: channels that are no MHz apart. "
            "foff is the width of a channel, negative if frequencies fall."
        )
    if header.row_seconds <= 0.0:
        raise InvalidData(
            f"{path} has tsamp {header.row_seconds:g} in its header. "
            "It is the time from one row to the next in seconds, greater than 0."
        )


def _check_sizes(header: Header, path: str) -> None:
    for keyword, number in (("nchans", header.channels), ("nifs", header.ifs)):
        if number < 1:
            raise InvalidData(f"{path} has {keyword} {number} in its header. It is 1 or more.")
    if header.bits not in _TYPES:
        raise InvalidData(
            f"{path} has values of {header.bits} bits (nbits). "
            "8, 16 and 32 bits can be read: convert the file."
        )
