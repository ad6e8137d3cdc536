"""NumPy's .npy files, images beside labels.

    SPLIT/images.npy  SPLIT/labels.npy         or images-*.npy with labels-*.npy

Images are [images, height, width] or [images, height x width], whole numbers 0 to 255 or
floating-point numbers 0 to 1. Labels are indices, class names or one-hot rows.
The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading import labels as label_values
from data.reading.formats import arrays, naming
from data.reading.formats.arrays import Array, ArrayFormat
from data.reading.formats.format import Chunk, Labels, Rows, Source
from data.reading.input_files import InputFiles, open_input
from data.reading.layout import Layout


class Npy(ArrayFormat):
    """images.npy and labels.npy."""

    name = "npy"
    needs = "images.npy and labels.npy in each of train/ and validation/"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        return naming.find_pairs(names, split, "npy")

    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """See `Format`."""
        path = source.images
        with open_input(path, files) as stream:
            array = read_header(stream, path)
            arrays.check_images(path, array, layout)
            first = np.frombuffer(stream.read(array.row_bytes), array.dtype)
        return arrays.divide(source, array, arrays.choose_scale(array, first, layout), files)

    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """See `Format`."""
        path = chunk.source.images
        with open_input(path, files) as stream:
            array = read_header(stream, path)
            stream.seek(array.start + chunk.start * array.row_bytes)
            rows = chunk.end - chunk.start
            yield from arrays.read_rows(stream, array, rows, layout.pixels, chunk.scale, path)

    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> Labels:
        """See `Format`."""
        with open_input(source.labels, files) as stream:
            values = read_whole(stream, source.labels)
        index, faults = label_values.convert_array(values, layout.classes, source.labels)
        return Labels(source, index, [fault.locate(source.labels, 1) for fault in faults])


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


def read_whole(stream: IO[bytes], path: str) -> NDArray[Any]:
    """Read a small array.

    Raises:
      InvalidData: as for `read_header`, or the file is cut off.
    """
    array = read_header(stream, path)
    count = int(np.prod(array.shape, dtype=np.int64))
    content = stream.read(count * array.dtype.itemsize)
    if len(content) < count * array.dtype.itemsize:
        raise InvalidData(f"{path} is cut off. Copy or write it again.")
    return np.frombuffer(content, array.dtype).reshape(array.shape)
