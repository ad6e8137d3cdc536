"""NumPy's .npy files, images beside labels.

    SPLIT/images.npy  SPLIT/labels.npy         or images-*.npy with labels-*.npy

Images are [images, height, width] or [images, height x width], whole numbers 0 to 255 or
floating-point 0 to 1. Labels are indices, class names or one-hot rows.
The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from data.invalid import InvalidData
from data.reading import labels as label_values
from data.reading.files import Files, opened
from data.reading.formats import arrays, naming
from data.reading.formats.arrays import Array, ArrayFormat
from data.reading.formats.format import Labels, Part, Rows, Source
from data.reading.layout import Layout


class Npy(ArrayFormat):
    """images.npy and labels.npy."""

    name = "npy"
    needs = "images.npy and labels.npy in each of train/ and validation/"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        return naming.pairs(names, split, "npy")

    def plan(self, source: Source, layout: Layout, files: Files) -> list[Part]:
        """See `Format`."""
        path = source.images
        with opened(path, files) as stream:
            array = read_header(stream, path)
            arrays.check_images(path, array, layout)
            first = np.frombuffer(stream.read(array.row_bytes), array.dtype)
        return arrays.parts(source, array, arrays.scale_of(array, first, layout), files)

    def read(self, part: Part, layout: Layout, files: Files) -> Iterator[Rows]:
        """See `Format`."""
        path = part.source.images
        with opened(path, files) as stream:
            array = read_header(stream, path)
            stream.seek(array.start + part.start * array.row_bytes)
            rows = part.end - part.start
            yield from arrays.read_rows(stream, array, rows, layout.pixels, part.scale, path)

    def labels(self, source: Source, layout: Layout, files: Files) -> Labels:
        """See `Format`."""
        with opened(source.labels, files) as stream:
            values = read_whole(stream, source.labels)
        index, faults = label_values.from_array(values, layout.classes, source.labels)
        return Labels(source, index, [fault.at(source.labels, 1) for fault in faults])


def read_header(stream: BinaryIO, path: str) -> Array:
    """Read what stands before the values of an array.

    Raises:
      InvalidData: it is no .npy file, or one of Python objects, or in column-major order.
    """
    try:
        version = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
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


def read_whole(stream: BinaryIO, path: str) -> np.ndarray:
    """Read a small array.

    Raises:
      InvalidData: as above, or it is cut off.
    """
    array = read_header(stream, path)
    count = int(np.prod(array.shape, dtype=np.int64))
    content = stream.read(count * array.dtype.itemsize)
    if len(content) < count * array.dtype.itemsize:
        raise InvalidData(f"{path} is cut off. Copy or write it again.")
    return np.frombuffer(content, array.dtype).reshape(array.shape)
