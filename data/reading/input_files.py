"""Access to input files: those of this machine, and the interface that other file systems offer."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Protocol

from data.fingerprint import fingerprint_stream
from data.invalid import InvalidData

# Levels of folders below a data folder that can hold data: span-7/train/noise/monday.
_DEPTH = 4


class InputFiles(Protocol):
    """What readers need of a file system. A path may be an address such as gs://bucket/folder."""

    def names(self, folder: str) -> list[str]:
        """Return the paths, relative to the folder, of the files in it and below.

        A folder that cannot be entered is among them.

        Raises:
          OSError: the folder does not exist or cannot be read.
        """

    def size(self, path: str) -> int:
        """Return the size of a file in bytes."""

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading its bytes unchanged, from any position."""


class StoredFiles(InputFiles, Protocol):
    """Files whose changes can be noticed."""

    def identities(self, folder: str, paths: Sequence[str]) -> dict[str, str]:
        """Return, by path, what differs once somebody has changed the file, without reading it.

        Of a file that cannot be examined, this is the reason.

        Args:
          folder: a folder that holds all of the files.
          paths: the files.
        """


class LocalFiles:
    """Files of this machine. Symbolic links are followed."""

    def names(self, folder: str) -> list[str]:
        """See `InputFiles`."""
        paths = []

        def note(error: OSError) -> None:
            if error.filename == folder:
                raise error
            paths.append(os.path.relpath(error.filename, folder))

        for place, folders, names in os.walk(folder, onerror=note, followlinks=True):
            relative = os.path.relpath(place, folder)
            depth = 0 if relative == "." else relative.count(os.sep) + 1
            prefix = "" if depth == 0 else relative + os.sep
            # A link to a folder that holds it would be entered again and again.
            real = os.path.join(os.path.realpath(place), "")
            loops = [
                name
                for name in folders
                if real.startswith(os.path.join(os.path.realpath(os.path.join(place, name)), ""))
            ]
            folders[:] = [name for name in folders if name not in loops and depth < _DEPTH]
            paths += [prefix + name for name in (*names, *loops)]
        return sorted(paths)

    def size(self, path: str) -> int:
        """See `InputFiles`."""
        return self._examine(path).st_size

    def open(self, path: str) -> IO[bytes]:
        """See `InputFiles`."""
        self._examine(path)
        return open(path, "rb")

    def identities(
        self,
        folder: str,  # noqa: ARG002 - the interface has it
        paths: Sequence[str],
    ) -> dict[str, str]:
        """See `StoredFiles`."""
        return {path: self._identify(path) for path in paths}

    def _identify(self, path: str) -> str:
        try:
            with _explaining(path):
                status = self._examine(path)
        except InvalidData as error:
            return str(error)
        # The time of the last change of the inode: tools that copy files can set the other times.
        return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_ctime_ns}"

    def _examine(self, path: str) -> os.stat_result:
        """Return the status of a regular file. Others may never end, so they are not opened."""
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "not a regular file")
            raise InvalidData(f"{path} is {kind}. Replace it by a regular file.")
        return status


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

LOCAL = LocalFiles()


def is_remote(path: str) -> bool:
    """Return whether this is an address such as gs://bucket/folder, not a path of this machine."""
    return "://" in path


def is_utf8(path: str) -> bool:
    """Return whether the name of a file is text. Python represents other bytes by surrogates."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_compressed(path: str) -> bool:
    """Return whether a file is gzipped, judged by its name."""
    return path.endswith(".gz")


def measure_file(path: str, files: InputFiles) -> int:
    """Return the size of a file in bytes.

    Raises:
      InvalidData: the file cannot be read.
    """
    with _explaining(path):
        return files.size(path)


def compute_digest(path: str, files: InputFiles) -> str:
    """Return the SHA-256 of a file, not decompressed, in hexadecimal digits.

    Raises:
      InvalidData: the file cannot be read.
    """
    with _explaining(path), files.open(path) as raw:
        return fingerprint_stream(raw)


@contextmanager
def open_input(path: str, files: InputFiles) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressed if it is gzipped.

    Raises:
      InvalidData: the file cannot be read or is damaged, at once or while it is read.
    """
    with _explaining(path), files.open(path) as raw:
        if is_compressed(path):
            with gzip.open(raw, "rb") as unpacked:
                # It has every method that readers call; typeshed derives it from another base.
                yield unpacked  # type: ignore[misc]
        else:
            yield raw


@contextmanager
def _explaining(path: str) -> Iterator[None]:
    """Raise the errors of a file as `InvalidData`."""
    try:
        yield
    except FileNotFoundError:
        broken_link = "a symbolic link to a file that does not exist. Correct the link"
        state = broken_link if os.path.islink(path) else "missing"
        raise InvalidData(f"{path} is {state}.") from None
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
