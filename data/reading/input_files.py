"""Access to input files: those of this machine, and the interface that other file systems offer."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from data.invalid import InvalidData

# Levels of folders below a data folder that can hold data: span-7/train.
_DEPTH = 2


class InputFiles(Protocol):
    """What readers need of a file system. A path may be an address such as gs://bucket/folder."""

    def names(self, folder: str) -> list[str]:
        """Return the paths, relative to the folder, of the files in it and below.

        Raises:
          OSError: the folder does not exist or cannot be read.
        """

    def size(self, path: str) -> int:
        """Return the size of a file in bytes."""

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading its bytes unchanged, from any position."""


class LocalFiles:
    """Files of this machine."""

    def names(self, folder: str) -> list[str]:
        """See `InputFiles`."""
        if not os.path.isdir(folder):
            os.scandir(folder).close()  # raises the error that says why
        paths = []
        for place, folders, names in os.walk(folder):
            relative = os.path.relpath(place, folder)
            depth = 0 if relative == "." else relative.count(os.sep) + 1
            if depth == _DEPTH:
                folders.clear()
            prefix = "" if depth == 0 else relative.replace(os.sep, "/") + "/"
            paths += [prefix + name for name in names]
        return sorted(paths)

    def size(self, path: str) -> int:
        """See `InputFiles`."""
        return os.path.getsize(path)

    def open(self, path: str) -> IO[bytes]:
        """See `InputFiles`."""
        return open(path, "rb")


LOCAL = LocalFiles()


def is_remote(path: str) -> bool:
    """Return whether this is an address such as gs://bucket/folder, not a path of this machine."""
    return "://" in path


def is_compressed(path: str) -> bool:
    """Return whether a file is gzipped, judged by its name."""
    return path.endswith(".gz")


@contextmanager
def open_input(path: str, files: InputFiles) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressed if it is gzipped.

    Raises:
      InvalidData: the file cannot be read or is damaged, at once or while it is read.
    """
    try:
        with files.open(path) as raw:
            if is_compressed(path):
                with gzip.open(raw, "rb") as unpacked:
                    # It has every method that readers call; typeshed derives it from another base.
                    yield unpacked  # type: ignore[misc]
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
