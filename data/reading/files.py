"""Access to files: this machine's here; other file systems offer the same three methods."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from data.invalid import InvalidData

# Folders below a data folder that can hold data: span-7/train.
_DEPTH = 2


class Files(Protocol):
    """What readers need of a file system. Paths may be addresses such as gs://bucket/folder."""

    def names(self, folder: str) -> list[str]:
        """Return the paths, relative to the folder, of the files in it and below.

        Raises:
          OSError: there is no such folder, or it may not be read.
        """

    def size(self, path: str) -> int:
        """Return the bytes of a file."""

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading its bytes as they are, from any position."""


class LocalFiles:
    """Files of this machine."""

    def names(self, folder: str) -> list[str]:
        """See `Files`."""
        if not os.path.isdir(folder):
            os.scandir(folder).close()  # raises what is wrong
        found = []
        for place, below, names in os.walk(folder):
            relative = os.path.relpath(place, folder)
            depth = 0 if relative == "." else relative.count(os.sep) + 1
            if depth == _DEPTH:
                below.clear()
            prefix = "" if depth == 0 else relative.replace(os.sep, "/") + "/"
            found += [prefix + name for name in names]
        return sorted(found)

    def size(self, path: str) -> int:
        """See `Files`."""
        return os.path.getsize(path)

    def open(self, path: str) -> BinaryIO:
        """See `Files`."""
        return open(path, "rb")


LOCAL = LocalFiles()


def is_remote(path: str) -> bool:
    """Whether it is an address, such as gs://bucket/folder, and no path of this machine."""
    return "://" in path


def is_compressed(path: str) -> bool:
    """Whether a file is gzipped, by its name."""
    return path.endswith(".gz")


@contextmanager
def opened(path: str, files: Files) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked if it is gzipped.

    Raises:
      InvalidData: it cannot be read, or its packing is damaged; also while it is being read.
    """
    try:
        with files.open(path) as raw:
            if is_compressed(path):
                with gzip.open(raw, "rb") as unpacked:
                    yield unpacked
            else:
                yield raw
    except FileNotFoundError:
        raise InvalidData(f"{path} is missing.") from None
    except EOFError:
        raise InvalidData(
            f"{path} is cut off: its compressed content ends too early. Copy it again."
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InvalidData(
            f"{path} is damaged, or not compressed with gzip as its name says: {error}."
        ) from None
    except OSError as error:
        raise InvalidData(f"{path} cannot be read: {error.strerror or error}.") from error
