"""The seed layout: the folder of CSV files in which the published data set comes.

    DIR/train/images.csv          one image in each row: height x width values, row-major, no header
    DIR/train/labels.csv          one label in each row: one-hot over the classes
    DIR/validation/images.csv
    DIR/validation/labels.csv
    DIR/SIMULATED.json            only of simulated data: how they were made

Every value is k/255 for a whole k from 0 to 255, written with six decimals ("0.631373"). With its
comma or line end it takes nine bytes. Rows are sorted by class, one block after another.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.storage import files

CLASS_NAMES = ("squiggle", "narrowbanddrd", "narrowband", "noise")
"""Classes of the published set in the order of the label columns. The data card says why."""

BLOCK_ORDER = (0, 2, 3, 1)
"""Order of the classes' blocks of rows in the files of the published set."""

HEIGHT, WIDTH = 64, 128

SPLITS = ("train", "validation")
IMAGES, LABELS = "images.csv", "labels.csv"
RECORD = "SIMULATED.json"

BYTES_PER_VALUE = 9

# File systems without locks, and network file systems that cannot lock a folder.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}

_TEXT = np.array([f"{k / 255:.6f},".encode() for k in range(256)], dtype=f"S{BYTES_PER_VALUE}")

# Rows that are converted to text at a time: 64 images of 64 x 128 are 4.7 MB of text.
_ROWS_AT_A_TIME = 64

Split = tuple[Iterable[NDArray[np.uint8]], Sequence[int], int]
"""Images (each uint8 [height, width]), the label column of each, and the number of classes."""


def order_blocks(classes: Sequence[str]) -> tuple[int, ...]:
    """Return label columns in the order of their blocks, as published for the published classes."""
    if tuple(classes) == CLASS_NAMES:
        return BLOCK_ORDER
    return tuple(range(len(classes)))


def encode_csv(values: NDArray[np.uint8]) -> bytes:
    """Encode rows as comma-separated text.

    Args:
      values: uint8 [rows, columns]; 255 is written as 1.

    Returns:
      rows x columns x 9 bytes. Each row ends with a newline.
    """
    text = _TEXT[values].view(np.uint8).reshape(len(values), -1)
    text[:, -1] = ord("\n")
    return text.tobytes()


def list_files(directory: str | Path) -> list[Path]:
    """Return the files of a seed layout that exist in the folder, the record first."""
    directory = Path(directory)
    names = [Path(RECORD), *(Path(s, name) for s in SPLITS for name in (IMAGES, LABELS))]
    return [directory / name for name in names if (directory / name).exists()]


def check_free(directory: str | Path, overwrite: bool = False) -> None:
    """Refuse a folder that already holds a data set.

    Raises:
      FileExistsError: it does, and `overwrite` is False.
      NotADirectoryError: the path is a file.
    """
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        raise NotADirectoryError(f"{directory} is a file, and a data set is a folder.")
    existing = list_files(directory)
    if existing and not overwrite:
        raise FileExistsError(
            f"{existing[0]} already exists. Choose another folder, or allow it to be overwritten."
        )


def write_data_set(
    directory: str | Path,
    splits: Mapping[str, Split],
    record: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a seed layout, completely or not at all.

    All files are first written to a hidden folder inside `directory`, and whole folders are moved
    into place at the end. Wherever a run fails or is killed, the folder holds the old data, the new
    data, or data that lack a split, which nobody can train on by mistake. Data with both splits
    always have the record that belongs to them.

    Args:
      directory: the folder to write. It is created.
      splits: by name, "train" and "validation".
      record: content of `SIMULATED.json`; None for data that are not simulated.
      overwrite: replace an existing data set.

    Raises:
      FileExistsError: a data set exists and `overwrite` is False.
      InvalidData: another process is writing to the folder.
      ValueError: a split has more images than labels, or fewer.
    """
    directory = Path(directory)
    check_free(directory, overwrite)
    new_folders = _make_folders(directory)
    try:
        with _lock(directory) as locked:
            check_free(directory, overwrite)  # another process may have ended since
            if locked:
                for leftover in directory.glob(f"{files.UNFINISHED}*"):
                    shutil.rmtree(leftover, ignore_errors=True)  # of a killed run
            unfinished = Path(tempfile.mkdtemp(prefix=files.UNFINISHED, dir=directory))
            try:
                for name, split in splits.items():
                    _write_split(unfinished / name, *split)
                if record is not None:
                    text = json.dumps(record, indent=2) + "\n"
                    files.write_file(str(unfinished / RECORD), text)
                _swap(directory, unfinished, list(splits))
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        new_folders = []
    finally:
        for folder in new_folders:
            with suppress(OSError):  # somebody else has written to it meanwhile
                folder.rmdir()


def _swap(directory: Path, unfinished: Path, splits: Sequence[str]) -> None:
    """Replace the data set in a folder by an unfinished one inside it."""
    existing = [name for name in SPLITS if (directory / name).exists()]
    for name in existing:
        # What others have put beside images and labels stays there.
        others = shutil.ignore_patterns(IMAGES, LABELS)
        shutil.copytree(directory / name, unfinished / name, ignore=others, dirs_exist_ok=True)
    replaced = unfinished / "replaced"
    replaced.mkdir()
    for name in existing:
        files.move_file(str(directory / name), str(replaced / name))
    # From here on a split is missing, until the last one is there.
    (directory / RECORD).unlink(missing_ok=True)
    *first, last = splits
    for name in (*first, RECORD, last):
        if (unfinished / name).exists():
            files.move_file(str(unfinished / name), str(directory / name))


@contextmanager
def _lock(directory: Path) -> Iterator[bool]:
    """Lock a folder for this process; yield whether its file system can do so.

    The operating system releases the lock when the process ends, even if it is killed.

    Raises:
      InvalidData: another process holds the lock.
    """
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except BlockingIOError:
            raise InvalidData(
                f"Another process is writing a data set to {directory}. Wait for it, or choose "
                "another folder."
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            locked = False
        yield locked
    finally:
        os.close(descriptor)


def read_record(directory: str | Path) -> dict[str, Any] | None:
    """Return the content of `SIMULATED.json`; None for data that are not simulated."""
    path = Path(directory) / RECORD
    return json.loads(path.read_text()) if path.exists() else None


def _make_folders(directory: Path) -> list[Path]:
    """Make the folder and its parents; return those that were missing, innermost first."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return missing


def _write_split(
    folder: Path, images: Iterable[NDArray[np.uint8]], labels: Sequence[int], classes: int
) -> None:
    one_hot = np.zeros((len(labels), classes), np.uint8)
    one_hot[np.arange(len(labels)), labels] = 255
    files.write_file(str(folder / LABELS), encode_csv(one_hot))
    written = 0
    with files.writing(str(folder / IMAGES), "wb") as file:
        for block in _stack_rows(images):
            file.write(encode_csv(block))
            written += len(block)
    if written != len(labels):
        raise ValueError(f"{folder.name}: received {written} images but {len(labels)} labels.")


def _stack_rows(images: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Yield images as rows of values, uint8 [up to _ROWS_AT_A_TIME, height * width]."""
    rows = []
    for image in images:
        rows.append(np.ravel(image))
        if len(rows) == _ROWS_AT_A_TIME:
            yield np.stack(rows)
            rows = []
    if rows:
        yield np.stack(rows)
