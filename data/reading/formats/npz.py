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
from typing import IO, Literal

from data.invalid import InvalidData
from data.reading.formats import naming
from data.reading.formats.arrays import Array, ArrayFormat
from data.reading.formats.npy import read_header
from data.reading.input_files import InputFiles, open_input


class Npz(ArrayFormat):
    """One archive for images and labels."""

    name = "npz"
    divisible = False
    needs = "train.npz and validation.npz with the arrays images and labels"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        return naming.find_single_files(names, split, r"\.npz")

    @contextmanager
    def open_array(
        self, path: str, content: Literal["images", "labels"], files: InputFiles
    ) -> Iterator[tuple[IO[bytes], Array]]:
        """See `ArrayFormat`."""
        try:
            with open_input(path, files) as stream, zipfile.ZipFile(stream) as archive:
                if f"{content}.npy" not in archive.namelist():
                    members = ", ".join(name.removesuffix(".npy") for name in archive.namelist())
                    raise InvalidData(
                        f"{path} holds no array {content}; it holds {members or 'nothing'}. "
                        "Save it with numpy.savez(file, images=..., labels=...)."
                    )
                with archive.open(f"{content}.npy") as member:
                    yield member, read_header(member, path)
        except (zipfile.BadZipFile, zlib.error) as error:
            raise InvalidData(f"{path} is damaged, or no .npz archive: {error}.") from None
