"""What the array formats share: rows of numbers of a known type and shape, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from data.invalid import InvalidData
from data.reading.cells import to_levels
from data.reading.files import Files
from data.reading.formats.format import Format, Part, Rows, Source
from data.reading.layout import Layout

_BLOCK_BYTES = 8 << 20
_PART_BYTES = 32 << 20


@dataclass(frozen=True)
class Array:
    """What the header of an array says.

    Attributes:
      shape, dtype: of the array; axis 0 is the image.
      start: byte at which its values start, in row-major order.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    start: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one image."""
        return int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize


def check_images(path: str, array: Array, layout: Layout) -> None:
    """Refuse an array that cannot hold the layout's spectrograms.

    Raises:
      InvalidData: by its type or its shape it cannot.
    """
    if array.dtype.kind not in "iuf":
        raise InvalidData(
            f"{path} holds values of type {array.dtype}. Grey levels are whole numbers 0 to 255 or "
            "floating-point numbers 0 to 1."
        )
    size = (layout.height, layout.width)
    shape = array.shape[1:-1] if array.shape[3:] == (1,) else array.shape[1:]
    if shape not in (size, (layout.pixels,)):
        raise InvalidData(
            f"{path} holds an array of shape {array.shape}, where (images, {size[0]}, {size[1]}) "
            f"or (images, {layout.pixels}) is expected. "
            "Set height and width to the size of your spectrograms."
        )
    if not array.shape[0]:
        raise InvalidData(f"{path} is empty.")


def scale_of(array: Array, first_row: np.ndarray, layout: Layout) -> str:
    """How grey levels are written: by configuration, by type, or as the first image shows."""
    if layout.values != "auto":
        return layout.values
    if array.dtype.kind in "iu":
        return "levels"
    whole = (first_row == np.floor(first_row)).all() and first_row.max(initial=0) > 1
    return "levels" if whole else "unit"


class ArrayFormat(Format):
    """Arrays, whose parts are numbered by rows and so need no counting."""

    def count(self, part: Part, files: Files) -> int:
        """See `Format`."""
        return part.end - part.start


def parts(source: Source, array: Array, scale: str, files: Files) -> list[Part]:
    """Divide an array whose rows can be sought out.

    Raises:
      InvalidData: the file ends before the array does.
    """
    if files.size(source.images) < array.start + array.shape[0] * array.row_bytes:
        raise too_short(source.images, array)
    rows, step = array.shape[0], max(1, _PART_BYTES // array.row_bytes)
    return [
        Part(source, start, min(start + step, rows), first=start == 0, scale=scale)
        for start in range(0, rows, step)
    ]


def read_rows(
    stream: BinaryIO, array: Array, rows: int, pixels: int, scale: str, path: str
) -> Iterator[Rows]:
    """Yield rows from a stream that stands at the first of them.

    Raises:
      InvalidData: the stream ends before.
    """
    step = max(1, _BLOCK_BYTES // array.row_bytes)
    for done in range(0, rows, step):
        count = min(step, rows - done)
        content = stream.read(count * array.row_bytes)
        if len(content) < count * array.row_bytes:
            raise too_short(path, array)
        values = np.frombuffer(content, array.dtype).reshape(count, pixels)
        yield Rows(*to_levels(values, scale))


def too_short(path: str, array: Array) -> InvalidData:
    """The error for a file that ends before the array it announces."""
    return InvalidData(
        f"{path} is cut off: it ends before the {array.shape[0]:,} images that its first bytes "
        "announce. Copy or write it again."
    )
