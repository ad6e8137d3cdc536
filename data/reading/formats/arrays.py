"""What the array formats share: rows of numbers of a known type and shape, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.cells import convert_to_levels
from data.reading.formats.format import Chunk, Format, Rows, Source
from data.reading.input_files import InputFiles
from data.reading.layout import Layout, Scale

_BLOCK_BYTES = 8 << 20
_CHUNK_BYTES = 32 << 20


@dataclass(frozen=True)
class Array:
    """What the header of an array says.

    Attributes:
      shape: of the array; axis 0 is the image.
      dtype: of the array.
      start: byte at which its values start, in row-major order.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @property
    def row_bytes(self) -> int:
        """Size of one image in bytes."""
        return int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize


def check_images(path: str, array: Array, layout: Layout) -> None:
    """Refuse an array whose type or shape cannot be the layout's spectrograms.

    Raises:
      InvalidData: it cannot.
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


def choose_scale(array: Array, first_row: NDArray[Any], layout: Layout) -> Scale:
    """Return how grey levels are written, by configuration, by type or by the first image."""
    if layout.values != "auto":
        return layout.values
    if array.dtype.kind in "iu":
        return "levels"
    whole = (first_row == np.floor(first_row)).all() and first_row.max(initial=0) > 1
    return "levels" if whole else "unit"


class ArrayFormat(Format):
    """Arrays, whose chunks are ranges of rows and so need no counting."""

    def count(self, chunk: Chunk, files: InputFiles) -> int:  # noqa: ARG002 - the interface has it
        """See `Format`."""
        return chunk.end - chunk.start


def divide(source: Source, array: Array, scale: Scale, files: InputFiles) -> list[Chunk]:
    """Divide an array that can be read from any row.

    Raises:
      InvalidData: the file ends before the array does.
    """
    if files.size(source.images) < array.start + array.shape[0] * array.row_bytes:
        raise too_short(source.images, array)
    rows, step = array.shape[0], max(1, _CHUNK_BYTES // array.row_bytes)
    return [
        Chunk(source, start, min(start + step, rows), first=start == 0, scale=scale)
        for start in range(0, rows, step)
    ]


def read_rows(
    stream: IO[bytes], array: Array, rows: int, pixels: int, scale: Scale, path: str
) -> Iterator[Rows]:
    """Yield rows from a stream that is positioned at the first of them.

    Raises:
      InvalidData: the stream ends too early.
    """
    step = max(1, _BLOCK_BYTES // array.row_bytes)
    for done in range(0, rows, step):
        count = min(step, rows - done)
        content = stream.read(count * array.row_bytes)
        if len(content) < count * array.row_bytes:
            raise too_short(path, array)
        values = np.frombuffer(content, array.dtype).reshape(count, pixels)
        yield Rows(*convert_to_levels(values, scale))


def too_short(path: str, array: Array) -> InvalidData:
    """Return the error for a file that ends before the array that it announces."""
    return InvalidData(
        f"{path} is cut off: it ends before the {array.shape[0]:,} images that its first bytes "
        "announce. Copy or write it again."
    )
