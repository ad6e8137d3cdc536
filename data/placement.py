"""Puts a data set into a folder: completely or not at all, and by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from data.invalid import InvalidData
from data.storage import files

# File systems without locks, and network file systems that cannot lock a folder.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}


def check_free(directory: Path, taken: Sequence[str], overwrite: bool = False) -> None:
    """Refuse a folder that already holds a data set.

    Args:
      directory: the folder.
      taken: paths, relative to it, that a data set takes.
      overwrite: whether a data set may be there.

    Raises:
      FileExistsError: one of the paths exists, and `overwrite` is False.
      NotADirectoryError: the folder is a file.
    """
    if directory.exists() and not directory.is_dir():
        raise NotADirectoryError(f"{directory} is a file, and a data set is a folder.")
    existing = [directory / path for path in taken if (directory / path).exists()]
    if existing and not overwrite:
        raise FileExistsError(
            f"{existing[0]} already exists. Choose another folder, or allow it to be overwritten."
        )


@contextmanager
def placing(directory: Path, taken: Sequence[str], overwrite: bool = False) -> Iterator[Path]:
    """Yield a hidden folder to write a data set to. When the block ends, it is moved into place.

    Wherever the process fails or is killed, the directory holds the old data, the new data, or data
    that lack training or validation images, which nobody can train on by mistake. Data with both
    always have the record that belongs to them. If an exception leaves the block, nothing has
    changed.

    Args:
      directory: the folder of the data set. It is created.
      taken: paths, relative to it, that a data set takes. What else is in the same folders stays.
        In alphabetical order, one of the validation split comes last.
      overwrite: replace an existing data set.

    Raises:
      FileExistsError: a data set exists and `overwrite` is False.
      InvalidData: another process is writing to the folder.
    """
    check_free(directory, taken, overwrite)
    new_folders = _make_folders(directory)
    try:
        busy = (
            f"Another process is writing a data set to {directory}. Wait for it, or choose "
            "another folder."
        )
        with locking(directory, busy) as locked:
            check_free(directory, taken, overwrite)  # another process may have ended since
            if locked:
                for leftover in directory.glob(f"{files.UNFINISHED}*"):
                    shutil.rmtree(leftover, ignore_errors=True)  # of a killed run
            unfinished = Path(tempfile.mkdtemp(prefix=files.UNFINISHED, dir=directory))
            try:
                yield unfinished
                _swap(directory, unfinished, taken)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        new_folders = []
    finally:
        for folder in new_folders:
            with suppress(OSError):  # there is something in it
                folder.rmdir()


def _swap(directory: Path, unfinished: Path, taken: Sequence[str]) -> None:
    """Replace the data set in a folder by an unfinished one inside it."""
    old = sorted(
        {Path(path).parts[0] for path in taken if (directory / Path(path).parts[0]).exists()}
    )
    for name in old:
        inside = [Path(path).name for path in taken if path.startswith(f"{name}/")]
        if inside:  # what others have put beside these stays
            others = shutil.ignore_patterns(*inside)
            shutil.copytree(directory / name, unfinished / name, ignore=others, dirs_exist_ok=True)
            with suppress(OSError):  # there is something in it
                (unfinished / name).rmdir()
    new = sorted(path.name for path in unfinished.iterdir())
    replaced = unfinished / "replaced"
    replaced.mkdir()
    # The splits go first and come last. In between, one is missing.
    for name in reversed(old):
        files.move_file(str(directory / name), str(replaced / name))
    for name in new:
        files.move_file(str(unfinished / name), str(directory / name))


@contextmanager
def locking(path: Path, busy: str) -> Iterator[bool]:
    """Lock a file or folder for this process; yield whether its file system can do so.

    The operating system releases the lock when the process ends, even if it is killed.

    Args:
      path: the file or folder.
      busy: the message if another process holds the lock.

    Raises:
      InvalidData: another process holds the lock.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except BlockingIOError:
            raise InvalidData(busy) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            locked = False
        yield locked
    finally:
        os.close(descriptor)


def _make_folders(directory: Path) -> list[Path]:
    """Make the folder and its parents; return those that were missing, innermost first."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return missing
