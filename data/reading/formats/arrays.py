"""What the array formats share: rows of numbers of a known type and shape, one after another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any, Literal

import numpy as np

from data.invalid import InvalidData
from data.reading.cells import convert_to_levels
from data.reading.formats.format import Chunk, Format, Labels, Rows, Source
from data.reading.input_files import InputFiles, is_compressed
from data.reading.labels import convert_array
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


class ArrayFormat(Format):
    """An array of images and one of labels. Chunks are ranges of rows and need no counting.

    Attributes:
      scale: how grey levels are written in every file of the format; None if files differ.
      divisible: whether an uncompressed file can be read from any row.
    """

    scale: Scale | None = None
    divisible = True

    @abstractmethod
    def open_array(
        self, path: str, content: Literal["images", "labels"], files: InputFiles
    ) -> AbstractContextManager[tuple[IO[bytes], Array]]:
        """Open a file and read its header.

        Returns:
          A context manager for a stream, positioned at the first value, and the array.

        Raises:
          InvalidData: the file cannot be read or holds no such array.
        """

    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """See `Format`."""
        path = source.images
        with self.open_array(path, "images", files) as (stream, array):
            _check_images(path, array, layout)
            scale = self.scale or _choose_scale(path, stream, array, layout)
        if is_compressed(path) or not self.divisible:
            return [Chunk(source, 0, array.shape[0], first=True, scale=scale)]
        return _divide(source, array, scale, files)

    def count(self, chunk: Chunk, files: InputFiles) -> int:  # noqa: ARG002 - the interface has it
        """See `Format`."""
        return chunk.end - chunk.start

    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """See `Format`."""
        path = chunk.source.images
        with self.open_array(path, "images", files) as (stream, array):
            if chunk.start:
                stream.seek(array.start + chunk.start * array.row_bytes)
            step = max(1, _BLOCK_BYTES // array.row_bytes)
            for start in range(chunk.start, chunk.end, step):
                count = min(step, chunk.end - start)
                content = stream.read(count * array.row_bytes)
                if len(content) < count * array.row_bytes:
                    raise _too_short(path, array)
                values = np.frombuffer(content, array.dtype).reshape(count, layout.pixels)
                yield Rows(*convert_to_levels(values, chunk.scale))

    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> Labels:
        """See `Format`."""
        path = source.labels
        with self.open_array(path, "labels", files) as (stream, array):
            size = int(np.prod(array.shape, dtype=np.int64)) * array.dtype.itemsize
            content = stream.read(size)
        if len(content) < size:
            raise InvalidData(f"{path} is cut off. Copy or write it again.")
        values = np.frombuffer(content, array.dtype).reshape(array.shape)
        index, faults = convert_array(values, layout.classes, path)
        return Labels(source, index, [fault.locate(path, 1) for fault in faults])


def _check_images(path: str, array: Array, layout: Layout) -> None:
    """Refuse an array whose type or shape cannot be the layout's spectrograms."""
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


def _choose_scale(path: str, stream: IO[bytes], array: Array, layout: Layout) -> Scale:
    """Return how grey levels are written, by configuration, by type or by the first image."""
    if layout.values != "auto":
        return layout.values
    if array.dtype.kind in "iu":
        return "levels"
    content = stream.read(array.row_bytes)
    if len(content) < array.row_bytes:
        raise _too_short(path, array)
    first_row = np.frombuffer(content, array.dtype)
    whole = (first_row == np.floor(first_row)).all() and first_row.max(initial=0) > 1
    return "levels" if whole else "unit"


def _divide(source: Source, array: Array, scale: Scale, files: InputFiles) -> list[Chunk]:
    if files.size(source.images) < array.start + array.shape[0] * array.row_bytes:
        raise _too_short(source.images, array)
    rows, step = array.shape[0], max(1, _CHUNK_BYTES // array.row_bytes)
    return [
        Chunk(source, start, min(start + step, rows), first=start == 0, scale=scale)
        for start in range(0, rows, step)
    ]


def _too_short(path: str, array: Array) -> InvalidData:
    return InvalidData(
        f"{path} is cut off: it ends before the {array.shape[0]:,} images that its first bytes "
        "announce. Copy or write it again."
    )
