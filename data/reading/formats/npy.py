"""NumPy's .npy files, images beside labels.

    SPLIT/images.npy  SPLIT/labels.npy         or images-*.npy with labels-*.npy

Images are [images, height, width] or [images, height x width], whole numbers 0 to 255 or
floating-point numbers 0 to 1. Labels are indices, class names or one-hot rows.
The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Literal

import numpy as np

from data.invalid import InvalidData
from data.reading.formats import naming
from data.reading.formats.arrays import Array, ArrayFormat
from data.reading.input_files import InputFiles, open_input


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
    try:
        version = npy_format.read_magic(stream)
        read = (
            npy_format.read_array_header_1_0
            if version == (1, 0)
            else npy_format.read_array_header_2_0
        )
        shape, column_major, dtype = read(stream)
    except ValueError as error:
        raise InvalidData(f"{path} is not a NumPy array (.npy): {error}.") from None
    if dtype.hasobject:
        raise InvalidData(
            f"{path} holds Python objects, which could run code when read. "
            "Save it as an array of numbers or of text."
        )
    if column_major and len(shape) > 1:
        raise InvalidData(
            f"{path} is in column-major order. Save numpy.ascontiguousarray(...) of it instead."
        )
    return Array(shape, dtype, stream.tell())
