"""What the array formats share: rows of numbers of a known type and shape, one after another."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.cells import convert_to_levels
from data.reading.formats.format import (
    MOST_BAD_ROWS,
    Chunk,
    Format,
    LabelCollector,
    Labels,
    Rows,
    Source,
    bound_rows,
)
from data.reading.input_files import InputFiles, is_compressed, measure_file
from data.reading.labels import convert_array
from data.reading.layout import Layout, Scale

_BLOCK_BYTES = 8 << 20
_CHUNK_BYTES = 32 << 20

# Of a label, unless a class has a longer name.
_LABEL_CHARACTERS = 256
_BYTES_PER_CHARACTER = 4


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
        """Size of one image, or of one label, in bytes."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


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

    @contextmanager
    def _open_images(
        self, path: str, layout: Layout, files: InputFiles
    ) -> Iterator[tuple[IO[bytes], Array]]:
        """Open an array of images. One of a single image, [height, width], gets another axis."""
        with self.open_array(path, "images", files) as (stream, array):
            single = array.shape == (layout.height, layout.width)
            yield stream, replace(array, shape=(1, *array.shape)) if single else array

    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """See `Format`."""
        path = source.images
        with self._open_images(path, layout, files) as (stream, array):
            _check_images(path, array, layout)
            scale = self.scale or _choose_scale(path, stream, array, layout)
        if is_compressed(path) or not self.divisible:
            return [Chunk(source, 0, array.shape[0], first=True, scale=scale)]
        return _divide(source, array, scale, files)

    def count(
        self,
        chunk: Chunk,
        layout: Layout,
        files: InputFiles,
    ) -> int:
        """See `Format`."""
        path = chunk.source.images
        if self.divisible and not is_compressed(path):  # `plan` compared the size of the file
            return chunk.end - chunk.start
        # What a compressed file announces is known to be there when it has been read.
        with self._open_images(path, layout, files) as (stream, array):
            for _ in _read_rows(path, stream, array, chunk.start, chunk.end):
                pass
        return array.shape[0]

    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """See `Format`."""
        path = chunk.source.images
        with self._open_images(path, layout, files) as (stream, array):
            if chunk.start:
                stream.seek(array.start + chunk.start * array.row_bytes)
            for values in _read_rows(path, stream, array, chunk.start, chunk.end):
                rows = values.reshape(len(values), layout.pixels)
                yield Rows(*convert_to_levels(rows, chunk.scale))

    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> Labels:
        """See `Format`."""
        path = source.labels
        with self.open_array(path, "labels", files) as (stream, array):
            _check_labels(path, array, layout)
            size = measure_file(source.images, files)
            collected = LabelCollector(source, bound_rows(source.images, size, layout))
            for values in _read_rows(path, stream, array, 0, array.shape[0], "labels"):
                collected.add(convert_array(values, layout.classes, path))
        return collected.labels


def _read_rows(
    path: str, stream: IO[bytes], array: Array, start: int, end: int, rows: str = "images"
) -> Iterator[NDArray[Any]]:
    """Yield the rows of a range, [rows, ...], a few megabytes at a time.

    Raises:
      InvalidData: the file ends before the last row that it announces, or goes on after it.
    """
    step = max(1, min(_BLOCK_BYTES // array.row_bytes, MOST_BAD_ROWS))
    for first in range(start, end, step):
        count = min(step, end - first)
        content = stream.read(count * array.row_bytes)
        if len(content) < count * array.row_bytes:
            raise _too_short(path, array, rows)
        yield np.frombuffer(content, array.dtype).reshape(count, *array.shape[1:])
    if end == array.shape[0] and stream.read(1):
        raise _too_long(path, array, rows)


def _check_labels(path: str, array: Array, layout: Layout) -> None:
    """Refuse an array whose type or shape cannot be labels of the layout's classes."""
    most_characters = max(_LABEL_CHARACTERS, *map(len, layout.classes))
    shape = array.shape[1:]
    kinds = "iufbUS" if shape in ((), (1,)) else "iufb"
    if (
        not array.shape
        or shape not in ((), (1,), (len(layout.classes),))
        or array.dtype.kind not in kinds
        or not 0 < array.dtype.itemsize <= _BYTES_PER_CHARACTER * most_characters
    ):
        raise InvalidData(
            f"{path} holds labels of shape {array.shape} and type {array.dtype}. Labels are an "
            f"index or a class name for each image, or one-hot rows of {len(layout.classes)}."
        )


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


def check_size(path: str, array: Array, files: InputFiles, rows: str = "images") -> None:
    """Compare what the header of an uncompressed file announces with its size.

    Raises:
      InvalidData: the file has fewer bytes, or more.
    """
    size = measure_file(path, files)
    announced = array.start + array.shape[0] * array.row_bytes
    if size != announced:
        raise (_too_short if size < announced else _too_long)(path, array, rows)


def _divide(source: Source, array: Array, scale: Scale, files: InputFiles) -> list[Chunk]:
    check_size(source.images, array, files)
    rows, step = array.shape[0], max(1, _CHUNK_BYTES // array.row_bytes)
    return [
        Chunk(source, start, min(start + step, rows), first=start == 0, scale=scale)
        for start in range(0, rows, step)
    ]


def _too_short(path: str, array: Array, rows: str = "images") -> InvalidData:
    return InvalidData(
        f"{path} is cut off: it ends before the {array.shape[0]:,} {rows} that its first bytes "
        "announce. Copy or write it again."
    )


def _too_long(path: str, array: Array, rows: str = "images") -> InvalidData:
    return InvalidData(
        f"{path} holds more than the {array.shape[0]:,} {rows} that its first bytes announce. "
        "Copy or write it again."
    )
