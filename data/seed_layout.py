"""The seed layout: the folder of CSV files that spectrograms and labels come in.

    DIR/train/images.csv          a row an image: height x width values, row-major, no header
    DIR/train/labels.csv          a row an image: one-hot over the classes
    DIR/validation/images.csv
    DIR/validation/labels.csv
    DIR/SIMULATED.json            only where the data are simulated: how they were made

Every value is k/255 for a whole k in 0 to 255, written with six decimals ("0.631373"), so that
with its comma or line end it takes nine bytes. Rows are sorted by class, one block after another.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

CLASS_NAMES = ("squiggle", "narrowbanddrd", "narrowband", "noise")
"""The published set's classes in the order of the label columns; the data card says why."""

BLOCK_ORDER = (0, 2, 3, 1)
"""The order in which the published set's files hold one class's rows after another's."""

HEIGHT, WIDTH = 64, 128

SPLITS = ("train", "validation")
IMAGES, LABELS = "images.csv", "labels.csv"
RECORD = "SIMULATED.json"

BYTES_PER_VALUE = 9

_UNFINISHED = ".unfinished-"

_TEXT = np.array([f"{k / 255:.6f},".encode() for k in range(256)], dtype=f"S{BYTES_PER_VALUE}")

# Rows turned to text at a time: 64 images of 64 x 128 are 4.7 MB of text.
_ROWS_AT_A_TIME = 64

Split = tuple[Iterable[np.ndarray], Sequence[int], int]
"""Images (each uint8 [height, width]), each one's label column, and the number of classes."""


def block_order(classes: Sequence[str]) -> tuple[int, ...]:
    """Label columns in the order of their blocks: the published order for the published classes."""
    if tuple(classes) == CLASS_NAMES:
        return BLOCK_ORDER
    return tuple(range(len(classes)))


def csv_bytes(values: np.ndarray) -> bytes:
    """Rows of comma-separated text.

    Args:
      values: uint8 [rows, columns], 255 standing for 1.

    Returns:
      rows x columns x 9 bytes, each row ended by a newline.
    """
    text = _TEXT[values].view(np.uint8).reshape(len(values), -1)
    text[:, -1] = ord("\n")
    return text.tobytes()


def files_in(directory: str | Path) -> list[Path]:
    """Those files of a seed layout that exist in the folder, the record first."""
    directory = Path(directory)
    names = [Path(RECORD), *(Path(s, name) for s in SPLITS for name in (IMAGES, LABELS))]
    return [directory / name for name in names if (directory / name).exists()]


def check_free(directory: str | Path, overwrite: bool = False) -> None:
    """Refuses a folder that already holds a data set.

    Raises:
      FileExistsError: it does, and `overwrite` is False.
      NotADirectoryError: it is a file.
    """
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        raise NotADirectoryError(f"{directory} is a file, and a data set is a folder.")
    existing = files_in(directory)
    if existing and not overwrite:
        raise FileExistsError(
            f"{existing[0]} already exists. Choose another folder, or allow it to be overwritten."
        )


def write_data_set(
    directory: str | Path,
    splits: Mapping[str, Split],
    record: Mapping | None = None,
    overwrite: bool = False,
) -> None:
    """Writes a seed layout, completely or not at all.

    Everything is first written to a hidden folder inside `directory` and moved into place at the
    end, so that a run that fails or is killed leaves no half data set to be trained on.

    Args:
      directory: where; made if need be.
      splits: by name, "train" and "validation".
      record: what to say in `SIMULATED.json`; None for data that are not simulated.
      overwrite: replace a data set that is there.

    Raises:
      FileExistsError: a data set is there and `overwrite` is False.
      ValueError: a split's images and labels differ in number.
    """
    directory = Path(directory)
    check_free(directory, overwrite)
    made = _make_folders(directory)
    for leftover in directory.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)  # of a run that was killed outright
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=directory))
    try:
        for name, split in splits.items():
            _write_split(unfinished / name, *split)
        if record is not None:
            (unfinished / RECORD).write_text(json.dumps(record, indent=2) + "\n")
        # The record comes first and goes last, so that simulated data are never without it.
        for new in files_in(unfinished):
            target = directory / new.relative_to(unfinished)
            target.parent.mkdir(exist_ok=True)
            os.replace(new, target)
        if record is None:
            (directory / RECORD).unlink(missing_ok=True)
        made = []
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        for folder in made:
            with suppress(OSError):  # somebody else has put something in it meanwhile
                folder.rmdir()


def read_record(directory: str | Path) -> dict | None:
    """What `SIMULATED.json` says of a data folder; None where the data are not simulated."""
    path = Path(directory) / RECORD
    return json.loads(path.read_text()) if path.exists() else None


def _make_folders(directory: Path) -> list[Path]:
    """Makes the folder and its parents; returns those that were missing, innermost first."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return missing


def _write_split(
    folder: Path, images: Iterable[np.ndarray], labels: Sequence[int], classes: int
) -> None:
    folder.mkdir()
    one_hot = np.zeros((len(labels), classes), np.uint8)
    one_hot[np.arange(len(labels)), labels] = 255
    (folder / LABELS).write_bytes(csv_bytes(one_hot))
    written = 0
    with open(folder / IMAGES, "wb") as file:
        for block in _blocks(images):
            file.write(csv_bytes(block))
            written += len(block)
    if written != len(labels):
        raise ValueError(f"{folder.name}: received {written} images but {len(labels)} labels.")


def _blocks(images: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    """The images as rows of values, uint8 [up to _ROWS_AT_A_TIME, height * width]."""
    rows = []
    for image in images:
        rows.append(np.ravel(image))
        if len(rows) == _ROWS_AT_A_TIME:
            yield np.stack(rows)
            rows = []
    if rows:
        yield np.stack(rows)
