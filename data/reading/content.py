"""What a single file holds, judged by its first bytes, and by its name where they do not tell."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import IO, Literal

from data.reading.formats.csv_labelled import LabelledCsv
from data.reading.formats.csv_pair import PairedCsv
from data.reading.formats.csv_text import read_head
from data.reading.formats.format import Format
from data.reading.formats.image_folder import EXTENSIONS as PICTURES
from data.reading.input_files import InputFiles
from data.reading.layout import Layout

Kind = Literal["csv", "npy", "npz", "idx", "picture", "filterbank", "hdf5", "recording", "tfrecord"]

FIRST_BYTES = 64
"""Bytes that show what a file holds."""

_BEGINNINGS: dict[Kind, tuple[bytes, ...]] = {
    "npy": (b"\x93NUMPY",),
    "npz": (b"PK\x03\x04",),
    "idx": (b"\0\0\x08\x03",),
    "picture": (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*"),
    "filterbank": (b"\x0c\0\0\0HEADER_START",),
    "hdf5": (b"\x89HDF\r\n\x1a\n",),
    "recording": (b"{",),
}

_ENDINGS: dict[Kind, tuple[str, ...]] = {
    "csv": (".csv", ".csv.gz"),
    "npy": (".npy",),
    "npz": (".npz",),
    "idx": ("-ubyte", "-ubyte.gz"),
    "picture": PICTURES,
    "filterbank": (".fil",),
    "hdf5": (".h5", ".hdf5"),
    "recording": (".dat",),
}


class FileInMemory:
    """A file as `data.reading.input_files.InputFiles`, whatever path is asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def names(self, folder: str) -> list[str]:
        """See `InputFiles`."""
        return [folder]

    def size(self, path: str) -> int:  # noqa: ARG002 - there is only one
        """See `InputFiles`."""
        return len(self._content)

    def open(self, path: str) -> IO[bytes]:  # noqa: ARG002 - there is only one
        """See `InputFiles`."""
        return io.BytesIO(self._content)

    def identities(self, folder: str, paths: Sequence[str]) -> dict[str, str]:  # noqa: ARG002
        """See `InputFiles`."""
        return {path: path for path in paths}


def detect_kind(beginning: bytes, name: str = "") -> Kind:
    """Return what a file holds.

    Args:
      beginning: its first `FIRST_BYTES` bytes, decompressed.
      name: its name; empty if only the content counts.
    """
    for kind, beginnings in _BEGINNINGS.items():
        if beginning.startswith(beginnings):
            return kind
    # Text may begin with BM too, but has no zeros.
    if beginning.startswith(b"BM") and beginning[6:10] == bytes(4):
        return "picture"
    # The size of a record, in eight bytes, is less than 4 GiB.
    if len(beginning) >= 12 and beginning[4:8] == bytes(4):
        return "tfrecord"
    return detect_kind_by_name(name) or "csv"


def detect_kind_by_name(name: str) -> Kind | None:
    """Return what a file holds by its name; None if that is not the name of a file to be read."""
    lower = name.lower()
    for kind, endings in _ENDINGS.items():
        if lower.endswith(endings):
            return kind
    return "tfrecord" if "tfrecord" in lower else None


def choose_csv(path: str, layout: Layout, files: InputFiles) -> Format:
    """Return the reader of a CSV file: with labels if its first rows have them, or without.

    Raises:
      InvalidData: the file is missing, empty or in another encoding.
    """
    widths = read_head(path, layout, files).widths
    labelled = {layout.pixels + 1, layout.pixels + len(layout.classes)}
    return LabelledCsv() if labelled & set(widths) else PairedCsv()
