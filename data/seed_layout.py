"""The seed layout: the folder of CSV files in which the published data set comes.

    DIR/train/images.csv          one image in each row: height x width values, row-major, no header
    DIR/train/labels.csv          one label in each row: one-hot over the classes
    DIR/validation/images.csv
    DIR/validation/labels.csv
    DIR/test/                     the same two files, or no such folder
    DIR/SIMULATED.json            only of simulated data: how they were made

Every value is k/255 for a whole k from 0 to 255, written with six decimals ("0.631373"). With its
comma or line end it takes nine bytes. Rows are sorted by class, one block after another.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import placement
from data.storage import files

CLASS_NAMES = ("squiggle", "narrowbanddrd", "narrowband", "noise")
"""Classes of the published set in the order of the label columns. The data card says why."""

BLOCK_ORDER = (0, 2, 3, 1)
"""Order of the classes' blocks of rows in the files of the published set."""

HEIGHT, WIDTH = 64, 128

SPLITS = TRAIN, VALIDATION, TEST = ("train", "validation", "test")
"""Training images; those that choose the epoch; and, if there are any, those for the last word."""

IMAGES, LABELS = "images.csv", "labels.csv"
RECORD = "SIMULATED.json"

FILES = (RECORD, *(f"{split}/{name}" for split in SPLITS for name in (IMAGES, LABELS)))
"""All files of a data set, the record first."""

BYTES_PER_VALUE = 9

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
    return [path for path in (Path(directory, name) for name in FILES) if path.exists()]


def check_free(directory: str | Path, overwrite: bool = False) -> None:
    """Refuse a folder that already holds a data set, as `data.placement.check_free` does."""
    placement.check_free(Path(directory), FILES, overwrite)


def write_data_set(
    directory: str | Path,
    splits: Mapping[str, Split],
    record: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a seed layout, completely or not at all: see `data.placement.placing`.

    Args:
      directory: the folder to write. It is created.
      splits: by name, of `SPLITS`.
      record: content of `SIMULATED.json`; None for data that are not simulated.
      overwrite: replace an existing data set.

    Raises:
      FileExistsError: a data set exists and `overwrite` is False.
      InvalidData: another process is writing to the folder.
      ValueError: a split has more images than labels, or fewer.
    """
    with placement.placing(Path(directory), FILES, overwrite) as unfinished:
        for name, split in splits.items():
            _write_split(unfinished / name, *split)
        if record is not None:
            text = json.dumps(record, indent=2) + "\n"
            files.write_file(str(unfinished / RECORD), text)


def read_record(directory: str | Path) -> dict[str, Any] | None:
    """Return the content of `SIMULATED.json`; None for data that are not simulated."""
    path = Path(directory) / RECORD
    return json.loads(path.read_text()) if path.exists() else None


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
