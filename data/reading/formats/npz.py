"""NumPy's .npz archives, which hold the arrays `images` and `labels`.

    SPLIT.npz, SPLIT-*.npz or SPLIT/*.npz

The arrays are like those in .npy files. Compressed members cannot be read from the middle, so an
archive is one chunk, read as a stream.
"""

from __future__ import annotations

import struct
import textwrap
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Literal, cast

from data.invalid import InvalidData, escape
from data.reading.formats import naming
from data.reading.formats.arrays import Array, ArrayFormat
from data.reading.formats.npy import read_header
from data.reading.input_files import InputFiles, open_input

_ENCRYPTED = 1  # a bit of a member's flags
_MOST_NAMES = 10
_LONGEST_READ = 4 << 20  # a list of some 50,000 members
# What the library lets through if the numbers in an archive are wrong.
_DAMAGE = (zipfile.BadZipFile, NotImplementedError, OverflowError, ValueError, struct.error)
_LONGEST_REASON = 100
_REMEDY = "Save it with numpy.savez(file, images=..., labels=...)."


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
        with open_input(path, files) as stream, _open_member(stream, content, path) as member:
            try:
                yield member, read_header(member, path)
            except (zipfile.BadZipFile, zlib.error) as error:
                raise _damaged(path, error) from None


def list_arrays(path: str, files: InputFiles) -> list[str]:
    """Return the names of the arrays in an archive.

    Raises:
      InvalidData: it cannot be read or is damaged.
    """
    with open_input(path, files) as stream:
        archive = _open_archive(stream, path)
        return [name.removesuffix(".npy") for name in archive.namelist()]


def _open_archive(stream: IO[bytes], path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(cast(IO[bytes], LimitedReads(stream)))
    except _DAMAGE as error:
        raise _damaged(path, error) from None


def _open_member(stream: IO[bytes], content: str, path: str) -> IO[bytes]:
    """Open an array of an archive.

    Raises:
      InvalidData: there is none, or it is not as NumPy writes it.
    """
    try:
        archive = _open_archive(stream, path)
        names = archive.namelist()
        if f"{content}.npy" not in names:
            members = ", ".join(escape(name.removesuffix(".npy")) for name in names[:_MOST_NAMES])
            raise InvalidData(
                f"{path} holds no array {content}; it holds {members or 'nothing'}. {_REMEDY}"
            )
        member = archive.getinfo(f"{content}.npy")
        if member.flag_bits & _ENCRYPTED:
            raise InvalidData(f"{path} is encrypted. {_REMEDY}")
        # Other methods, which NumPy does not use, reserve as much memory as the file demands.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidData(f"{path} is not compressed as NumPy does it. {_REMEDY}")
        return archive.open(member)
    except InvalidData:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from None


def _damaged(path: str, error: Exception) -> InvalidData:
    # The library quotes whatever the file holds in place of a name.
    reason = textwrap.shorten(str(error), _LONGEST_REASON, placeholder=" [...]")
    return InvalidData(f"{path} is damaged, or no .npz archive: {reason}. {_REMEDY}")


class LimitedReads:
    """A stream for `ZipFile`, which reads the whole list of members at once, however long it is.

    A list that is not read to its end is damaged to it. It reads the content of members in a loop.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        """Read up to so many bytes, but not more than `_LONGEST_READ`."""
        return self._stream.read(min(size, _LONGEST_READ) if size >= 0 else _LONGEST_READ)
