"""SIGPROC filterbank files (.fil).

A header of keywords with values between HEADER_START and HEADER_END, then the power as an array
[rows, IFs, channels]. A keyword is an int32 length and its characters. Its value is an int32, a
float64 or a text like a keyword, all little-endian. The keywords are those of `sigproc.pdf`
(sigproc.sourceforge.net) and of blimpy's `io/sigproc.py`.
"""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData, escape
from data.telescope.header import Header, check_header
from data.telescope.observation import Observation

_INTEGERS = (
    *("telescope_id", "machine_id", "data_type", "barycentric", "pulsarcentric", "nbits"),
    *("nsamples", "nchans", "nifs", "nbeams", "ibeam"),
)
_FLOATS = (
    *("az_start", "za_start", "src_raj", "src_dej", "tstart", "tsamp", "fch1", "foff", "refdm"),
    "period",
)
# "signed" comes from later releases of SIGPROC.
_KINDS = {**dict.fromkeys(_INTEGERS, "<i"), **dict.fromkeys(_FLOATS, "<d"), "signed": "<b"}
_TEXTS = ("rawdatafile", "source_name")
_REQUIRED = ("nchans", "nbits", "tsamp", "tstart", "fch1", "foff")

_START, _END = "HEADER_START", "HEADER_END"
_MOST_KEYWORDS = 100
_LONGEST_KEYWORD = 80
_LONGEST_TEXT = 4096


class SigprocObservation(Observation):
    """An observation in a SIGPROC filterbank file."""

    def __init__(self, path: str, size: int) -> None:
        """Read the header.

        Args:
          path: the file.
          size: its size in bytes.

        Raises:
          InvalidData: as `open_observation`.
        """
        with open(path, "rb") as file:
            keywords = _read_keywords(file, path)
            self._start = file.tell()
        super().__init__(path, _make_header(keywords, path, size - self._start))
        self._descriptor = os.open(path, os.O_RDONLY)

    def _read(self, rows: range, channels: range) -> NDArray[np.float32]:
        """See `Observation`."""
        header = self.header
        values = np.empty((len(rows), len(channels)), header.dtype)
        row_bytes = header.ifs * header.channels * values.itemsize
        start = self._start + rows.start * row_bytes + channels.start * values.itemsize
        if values.nbytes == len(rows) * row_bytes:  # whole rows, one after another
            self._fill(values, start)
        else:
            for row, position in enumerate(range(start, start + len(rows) * row_bytes, row_bytes)):
                self._fill(values[row], position)
        return values.astype(np.float32, copy=False)

    def _fill(self, values: NDArray[Any], position: int) -> None:
        """Read values from a position in the file. The position that others read at stays."""
        unread = values.reshape(-1).view(np.uint8).data
        while unread:
            count = os.preadv(self._descriptor, [unread], position)
            if count == 0:
                raise InvalidData(f"{self.path} was cut off while it was read. Copy it again.")
            unread, position = unread[count:], position + count

    def close(self) -> None:
        """See `Observation`."""
        os.close(self._descriptor)


def _read_keywords(file: IO[bytes], path: str) -> dict[str, Any]:
    """Read the keywords of a header with their values, up to the first byte of the data."""
    try:
        begins = _read_text(file, 1, _LONGEST_KEYWORD) == _START
    except ValueError:
        begins = False
    if not begins:
        raise InvalidData(
            f"{path} is no observation that can be read: it begins neither as a SIGPROC "
            "filterbank file (.fil) nor as HDF5 (.h5)."
        )
    keywords: dict[str, Any] = {}
    keyword = _START
    try:
        for _ in range(_MOST_KEYWORDS):
            keyword = _read_text(file, 1, _LONGEST_KEYWORD)
            if keyword == _END:
                return keywords
            keywords[keyword] = _read_value(file, keyword)
    except KeyError:
        raise InvalidData(
            f'{path} has the unknown keyword "{escape(keyword)}" in its header, after which '
            "nothing can be read. Remove it from the header."
        ) from None
    except ValueError as error:
        raise InvalidData(f"{path} has a damaged header: {error}. Copy it again.") from None
    raise InvalidData(f"{path} has a damaged header: it has no {_END}. Copy it again.")


def _read_value(file: IO[bytes], keyword: str) -> Any:
    """Read the value of a keyword.

    Raises:
      KeyError: the keyword is unknown.
      ValueError: the value is damaged.
    """
    if keyword in _TEXTS:
        return _read_text(file, 0, _LONGEST_TEXT)
    kind = _KINDS[keyword]
    (value,) = struct.unpack(kind, _read_bytes(file, struct.calcsize(kind)))
    return value


def _read_text(file: IO[bytes], least: int, most: int) -> str:
    """Read a text with its length before it; raise ValueError if it is damaged."""
    (length,) = struct.unpack("<i", _read_bytes(file, 4))
    if not least <= length <= most:
        raise ValueError(f"a text of {length:,} characters at byte {file.tell() - 4}")
    return _read_bytes(file, length).decode("latin-1")


def _read_bytes(file: IO[bytes], count: int) -> bytes:
    content = file.read(count)
    if len(content) < count:
        raise ValueError(f"the file ends before {_END}")
    return content


def _make_header(keywords: dict[str, Any], path: str, data_bytes: int) -> Header:
    missing = [keyword for keyword in _REQUIRED if keyword not in keywords]
    if missing:
        raise InvalidData(f"{path} has no {' and no '.join(missing)} in its header.")
    if keywords.get("signed") == 1:
        raise InvalidData(f"{path} holds signed values, and power is not negative. Convert it.")
    header = Header(
        source=keywords.get("source_name", "").strip(),
        first_mhz=keywords["fch1"],
        step_mhz=keywords["foff"],
        row_seconds=keywords["tsamp"],
        start_mjd=keywords["tstart"],
        channels=keywords["nchans"],
        rows=0,
        ifs=keywords.get("nifs", 1),
        bits=keywords["nbits"],
    )
    check_header(header, path)
    row_bytes = header.ifs * header.channels * header.bits // 8
    rows, rest = divmod(data_bytes, row_bytes)
    announced = keywords.get("nsamples", 0)
    if rest or rows == 0 or announced > rows:
        expected = f"{announced:,}" if announced > rows else "a whole number"
        raise InvalidData(
            f"{path} is cut off: it holds {data_bytes / row_bytes:,.2f} rows of {row_bytes:,} "
            f"bytes where its header leads to expect {expected}. Copy it again."
        )
    return replace(header, rows=rows)
