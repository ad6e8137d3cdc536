"""NumPy's .npy files, images beside labels.

    SPLIT/images.npy  SPLIT/labels.npy         or images-*.npy with labels-*.npy

Images are [images, height, width] or [images, height x width], whole numbers 0 to 255 or
floating-point numbers 0 to 1. Labels are indices, class names or one-hot rows.
The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Literal

import numpy as np

from data.invalid import InvalidData
from data.reading.formats import naming
from data.reading.formats.arrays import Array, ArrayFormat
from data.reading.input_files import InputFiles, open_input

_MAGIC_BYTES = 8

# Those of arrays of numbers and of text have some 120.
_MOST_HEADER_BYTES = 1024


class Npy(ArrayFormat):
    """images.npy and labels.npy."""

    name = "npy"
    needs = "images.npy and labels.npy in each of train/ and validation/"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        return naming.find_pairs(names, split, "npy")

    @contextmanager
    def open_array(
        self,
        path: str,
        content: Literal["images", "labels"],  # noqa: ARG002 - the interface has it
        files: InputFiles,
    ) -> Iterator[tuple[IO[bytes], Array]]:
        """See `ArrayFormat`."""
        with open_input(path, files) as stream:
            yield stream, read_header(stream, path)


def read_header(stream: IO[bytes], path: str) -> Array:
    """Read the header that precedes the values of an array.

    Raises:
      InvalidData: the file is not .npy, holds Python objects, or is in column-major order.
    """
    npy_format: Any = np.lib.format  # has no types before NumPy 2
    magic = stream.read(_MAGIC_BYTES)
    length_bytes = 2 if magic[6:7] == b"\x01" else 4
    length = stream.read(length_bytes)
    # NumPy would take the length at its word, and reserve that much memory.
    header = stream.read(min(int.from_bytes(length, "little"), _MOST_HEADER_BYTES))
    read = (
        npy_format.read_array_header_1_0 if length_bytes == 2 else npy_format.read_array_header_2_0
    )
    try:
        npy_format.read_magic(io.BytesIO(magic))
        shape, column_major, dtype = read(io.BytesIO(length + header))
    except Exception:  # NumPy has Python parse the header, which fails in many ways
        raise InvalidData(
            f"{path} is not a NumPy array (.npy): it does not begin as one. "
            "Write it with numpy.save."
        ) from None
    if any(not isinstance(size, int) or size < 0 for size in shape):
        raise InvalidData(f"{path} has the impossible shape {shape}. Write it again.")
    if dtype.hasobject:
        raise InvalidData(
            f"{path} holds Python objects, which could run code when read. "
            "Save it as an array of numbers or of text."
        )
    if column_major and len(shape) > 1:
        raise InvalidData(
            f"{path} is in column-major order. Save numpy.ascontiguousarray(...) of it instead."
        )
    return Array(shape, dtype, len(magic) + len(length) + len(header))
