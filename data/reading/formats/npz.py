"""NumPy's .npz archives, which hold the arrays `images` and `labels`.

    SPLIT.npz, SPLIT-*.npz or SPLIT/*.npz

The arrays are like those in .npy files. Compressed members cannot be read from the middle, so an
archive is one chunk, read as a stream.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import numpy as np

from data.invalid import InvalidData
from data.reading import labels as label_values
from data.reading.formats import arrays, naming
from data.reading.formats.arrays import ArrayFormat
from data.reading.formats.format import Chunk, Labels, Rows, Source
from data.reading.formats.npy import read_header, read_whole
from data.reading.input_files import InputFiles, open_input
from data.reading.layout import Layout


class Npz(ArrayFormat):
    """One archive for images and labels."""

    name = "npz"
    needs = "train.npz and validation.npz with the arrays images and labels"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        return naming.find_single_files(names, split, r"\.npz")

    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """See `Format`."""
        with _open_member(source.images, "images", files) as stream:
            array = read_header(stream, source.images)
            arrays.check_images(source.images, array, layout)
            first = np.frombuffer(stream.read(array.row_bytes), array.dtype)
        scale = arrays.choose_scale(array, first, layout)
        return [Chunk(source, 0, array.shape[0], first=True, scale=scale)]

    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """See `Format`."""
        path = chunk.source.images
        with _open_member(path, "images", files) as stream:
            array = read_header(stream, path)
            yield from arrays.read_rows(stream, array, chunk.end, layout.pixels, chunk.scale, path)

    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> Labels:
        """See `Format`."""
        path = source.labels
        with _open_member(path, "labels", files) as stream:
            values = read_whole(stream, path)
        index, faults = label_values.convert_array(values, layout.classes, path)
        return Labels(source, index, [fault.locate(path, 1) for fault in faults])


@contextmanager
def _open_member(path: str, name: str, files: InputFiles) -> Iterator[IO[bytes]]:
    """Open one array of an archive."""
    try:
        with open_input(path, files) as stream, zipfile.ZipFile(stream) as archive:
            if f"{name}.npy" not in archive.namelist():
                members = ", ".join(member.removesuffix(".npy") for member in archive.namelist())
                raise InvalidData(
                    f"{path} holds no array {name}; it holds {members or 'nothing'}. "
                    "Save it with numpy.savez(file, images=..., labels=...)."
                )
            with archive.open(f"{name}.npy") as member:
                yield member
    except (zipfile.BadZipFile, zlib.error) as error:
        raise InvalidData(f"{path} is damaged, or no .npz archive: {error}.") from None
