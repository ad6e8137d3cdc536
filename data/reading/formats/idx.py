"""IDX files, the format of MNIST, in which the SETI set is published too.

    train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz
    validation-..., test-... or t10k-...       the same two for validation

They may be gzipped, and are in the data folder or in SPLIT/. An IDX file is big-endian: two zero
bytes, a type (8 is unsigned byte), the number of axes, the length of each axis in four bytes, then
the values in row-major order.
The format: LeCun, Cortes, Burges, "The MNIST database", section "File formats".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Literal

import numpy as np

from data.invalid import InvalidData
from data.reading.formats import naming
from data.reading.formats.arrays import Array, ArrayFormat
from data.reading.input_files import InputFiles, open_input
from data.seed_layout import TEST, VALIDATION

_UNSIGNED_BYTE = 8

# How names begin in sets of this format: in the data folder, and in the folder of a split.
_BEGINNINGS = {TEST: "test|t10k"}
_IN_FOLDERS = "train|validation|test|t10k"


class Idx(ArrayFormat):
    """Images and labels in files like those of MNIST."""

    name = "idx"
    scale = "levels"
    needs = "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, and validation-... or t10k-..."

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        if split not in (VALIDATION, TEST):
            return _find(names, split)
        # Test images validate, unless there are validation images too.
        validation = _find(names, VALIDATION)
        if split == VALIDATION:
            return validation or _find(names, TEST)
        return _find(names, TEST) if validation else []

    @contextmanager
    def open_array(
        self, path: str, content: Literal["images", "labels"], files: InputFiles
    ) -> Iterator[tuple[IO[bytes], Array]]:
        """See `ArrayFormat`."""
        with open_input(path, files) as stream:
            yield stream, _read_header(stream, path, axes=3 if content == "images" else 1)


def _find(names: Sequence[str], split: str) -> list[tuple[str, str]]:
    end = "([-_].*)?[-_.]"
    beginnings = _BEGINNINGS.get(split, split)
    prefix = rf"(?P<which>{split}/(({_IN_FOLDERS}){end})?|({beginnings}){end})"
    if not split:
        prefix = r"(?P<which>([^/]*[-_.])?)"
    kind = r"(?P<kind>images(?=[-.]idx3)|labels(?=[-.]idx1))"
    return naming.match_pairs(names, rf"{prefix}{kind}[-.]idx\d-ubyte(\.gz)?", _expected_path)


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
