"""IDX files, the format of MNIST, in which the SETI set is published too.

    train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz
    validation-..., test-... or t10k-...       the same two for validation

They may be gzipped, and are in the data folder or in SPLIT/. An IDX file is big-endian: two zero
bytes, a type (8 is unsigned byte), the number of axes, the length of each axis in four bytes, then
the values in row-major order.
The format: LeCun, Cortes, Burges, "The MNIST database", section "File formats".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

from data.invalid import InvalidData
from data.reading import labels as label_values
from data.reading.formats import arrays, naming
from data.reading.formats.arrays import Array, ArrayFormat
from data.reading.formats.format import Chunk, Labels, Rows, Source
from data.reading.input_files import InputFiles, is_compressed, open_input
from data.reading.layout import Layout

_UNSIGNED_BYTE = 8

# Names of the splits in sets of this format.
_PREFIXES = {"train": ("train",), "validation": ("validation", "test", "t10k")}


class Idx(ArrayFormat):
    """Images and labels in files like those of MNIST."""

    name = "idx"
    needs = "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, and validation-... or t10k-..."

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        prefixes = "|".join(_PREFIXES.get(split, (split,)))
        folder = f"{re.escape(split)}/"
        prefix = rf"(?P<which>{folder}|({folder})?({prefixes})([-_].*)?[-_.])"
        kind = r"(?P<kind>images(?=[-.]idx3)|labels(?=[-.]idx1))"
        return naming.match_pairs(names, rf"{prefix}{kind}[-.]idx\d-ubyte(\.gz)?", _expected_path)

    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """See `Format`."""
        path = source.images
        with open_input(path, files) as stream:
            array = _read_header(stream, path, axes=3)
        arrays.check_images(path, array, layout)
        if is_compressed(path):
            return [Chunk(source, 0, array.shape[0], first=True, scale="levels")]
        return arrays.divide(source, array, "levels", files)

    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """See `Format`."""
        path = chunk.source.images
        with open_input(path, files) as stream:
            array = _read_header(stream, path, axes=3)
            if chunk.start:
                stream.seek(array.start + chunk.start * array.row_bytes)
            rows = chunk.end - chunk.start
            yield from arrays.read_rows(stream, array, rows, layout.pixels, chunk.scale, path)

    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> Labels:
        """See `Format`."""
        path = source.labels
        with open_input(path, files) as stream:
            array = _read_header(stream, path, axes=1)
            values = np.frombuffer(stream.read(array.shape[0]), np.uint8)
        if len(values) < array.shape[0]:
            raise InvalidData(f"{path} is cut off. Copy or write it again.")
        index, faults = label_values.convert_array(values, layout.classes, path)
        return Labels(source, index, [fault.locate(path, 1) for fault in faults])


def _expected_path(prefix: str, kind: str) -> str:
    return f"{prefix}{kind}-idx{3 if kind == 'images' else 1}-ubyte"


def _read_header(stream: IO[bytes], path: str, axes: int) -> Array:
    head = stream.read(4 + 4 * axes)
    if len(head) < 4 + 4 * axes or head[:4] != bytes([0, 0, _UNSIGNED_BYTE, axes]):
        raise InvalidData(
            f"{path} is not an IDX file of unsigned bytes with {axes} axes: it starts with "
            f"{head[:4].hex(' ') or 'nothing'}, where the bytes "
            f"{bytes([0, 0, _UNSIGNED_BYTE, axes]).hex(' ')} are expected."
        )
    shape = struct.unpack(f">{axes}I", head[4:])
    return Array(shape, np.dtype(np.uint8), 4 + 4 * axes)
