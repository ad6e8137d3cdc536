"""IDX files, the format of MNIST, in which the SETI set is published too.

    train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz
    validation-..., test-... or t10k-...       the same two for validation

Gzipped or not, in the data folder or in SPLIT/. Big-endian: two zero bytes, a type (8: unsigned
byte), the number of axes, the length of each as four bytes, then the values, row-major.
The format: LeCun, Cortes, Burges, "The MNIST database", section "File formats".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from data.invalid import InvalidData
from data.reading import labels as label_values
from data.reading.files import Files, is_compressed, opened
from data.reading.formats import arrays, naming
from data.reading.formats.arrays import Array, ArrayFormat
from data.reading.formats.format import Labels, Part, Rows, Source
from data.reading.layout import Layout

_UNSIGNED_BYTE = 8

# What sets in this format call the split that is not for training.
_PREFIXES = {"train": ("train",), "validation": ("validation", "test", "t10k")}


class Idx(ArrayFormat):
    """Images and labels in files as MNIST has them."""

    name = "idx"
    needs = "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, and validation-... or t10k-..."

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        prefixes = "|".join(_PREFIXES.get(split, (split,)))
        folder = f"{re.escape(split)}/"
        prefix = rf"(?P<which>{folder}|({folder})?({prefixes})([-_].*)?[-_.])"
        kind = r"(?P<kind>images(?=[-.]idx3)|labels(?=[-.]idx1))"
        return naming.matched_pairs(names, rf"{prefix}{kind}[-.]idx\d-ubyte(\.gz)?", _expected)

    def plan(self, source: Source, layout: Layout, files: Files) -> list[Part]:
        """See `Format`."""
        path = source.images
        with opened(path, files) as stream:
            array = _read_header(stream, path, axes=3)
        arrays.check_images(path, array, layout)
        if is_compressed(path):
            return [Part(source, 0, array.shape[0], first=True, scale="levels")]
        return arrays.parts(source, array, "levels", files)

    def read(self, part: Part, layout: Layout, files: Files) -> Iterator[Rows]:
        """See `Format`."""
        path = part.source.images
        with opened(path, files) as stream:
            array = _read_header(stream, path, axes=3)
            if part.start:
                stream.seek(array.start + part.start * array.row_bytes)
            rows = part.end - part.start
            yield from arrays.read_rows(stream, array, rows, layout.pixels, part.scale, path)

    def labels(self, source: Source, layout: Layout, files: Files) -> Labels:
        """See `Format`."""
        path = source.labels
        with opened(path, files) as stream:
            array = _read_header(stream, path, axes=1)
            values = np.frombuffer(stream.read(array.shape[0]), np.uint8)
        if len(values) < array.shape[0]:
            raise InvalidData(f"{path} is cut off. Copy or write it again.")
        index, faults = label_values.from_array(values, layout.classes, path)
        return Labels(source, index, [fault.at(path, 1) for fault in faults])


def _expected(prefix: str, kind: str) -> str:
    return f"{prefix}{kind}-idx{3 if kind == 'images' else 1}-ubyte"


def _read_header(stream: BinaryIO, path: str, axes: int) -> Array:
    head = stream.read(4 + 4 * axes)
    if len(head) < 4 + 4 * axes or head[:4] != bytes([0, 0, _UNSIGNED_BYTE, axes]):
        raise InvalidData(
            f"{path} is not an IDX file of unsigned bytes with {axes} axes: it starts with "
            f"{head[:4].hex(' ') or 'nothing'}, where the bytes "
            f"{bytes([0, 0, _UNSIGNED_BYTE, axes]).hex(' ')} are expected."
        )
    shape = struct.unpack(f">{axes}I", head[4:])
    return Array(shape, np.dtype(np.uint8), 4 + 4 * axes)
