"""Read spectrogram CSV files: one row an image, and one-hot label rows beside it.

A block of whole lines is parsed at a time, so memory does not grow with the file. Cells of
exactly the published form ("0.631373", six decimals) are decoded by integer arithmetic on the
bytes, several times faster than a general CSV parser; everything else goes through pyarrow.
Either way no Python loop touches a value unless a block is already known to be bad.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from data.invalid import InvalidData
from data.seed_layout import BYTES_PER_VALUE, IMAGES, LABELS, SPLITS

_BLOCK_BYTES = 8 << 20

Opener = Callable[[str], BinaryIO]


def open_local(path: str) -> BinaryIO:
    """Open a local file for reading bytes."""
    return open(path, "rb")


@dataclass(frozen=True)
class Block:
    """Consecutive rows of one images file.

    Attributes:
      first_row: 0-based number of the first row in the file.
      levels: uint8 [rows, pixels], the grey levels k of the values k/255.
    """

    first_row: int
    levels: np.ndarray


def read_images(path: str, pixels: int, opener: Opener = open_local) -> Iterator[Block]:
    """Yield the rows of an images file in order, a few megabytes at a time.

    Args:
      path: a CSV file without header, `pixels` values between 0 and 1 a row.
      pixels: values a row, height x width.
      opener: opens `path` for reading bytes; Beam's file systems give one for buckets.

    Raises:
      InvalidData: a row has another number of values, or a value is not a number in 0..1.
        The message names file, row and column.
    """
    first_row = 0
    for lines in _line_blocks(path, opener):
        levels = _parse_fixed_width(lines, pixels)
        if levels is None:
            levels = _parse_general(lines, pixels, path, first_row)
        yield Block(first_row, levels)
        first_row += len(levels)


def read_labels(path: str, classes: int, opener: Opener = open_local) -> np.ndarray:
    """Return the class index of every row of a one-hot labels file, int64 [rows].

    Raises:
      InvalidData: a row does not have `classes` values, or is not one-hot.
    """
    with _open(path, opener) as stream:
        text = stream.read()
    if not text.strip():
        raise InvalidData(f"{path} is empty. It needs one one-hot row for each image.")
    rows = _numbers(text, classes, path, first_row=0)
    one_hot = ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) == 1)
    if not one_hot.all():
        row = int(np.argmin(one_hot))
        raise InvalidData(
            f"{path}, row {row + 1}: the label {_shown(rows[row])} is not one-hot. "
            "Exactly one of its values must be 1 and the others 0."
        )
    return rows.argmax(axis=1).astype(np.int64)


def count_rows(path: str, opener: Opener = open_local) -> int:
    """Return the number of lines of a file; the last may lack its newline."""
    rows, last = 0, b"\n"
    with _open(path, opener) as stream:
        while chunk := stream.read(_BLOCK_BYTES):
            rows += chunk.count(b"\n")
            last = chunk[-1:]
    return rows + (last != b"\n")


def check_layout(
    directory: str, height: int, width: int, classes: int, opener: Opener = open_local
) -> dict[str, int]:
    """Check what can be checked without parsing the images: files, widths, row counts, labels.

    Takes a fraction of a second, so that a wrong folder is refused before anything starts.

    Args:
      directory: a folder in the seed layout (train/ and validation/, two files each).
      height, width: pixels of a spectrogram along time and frequency.
      classes: the number of classes.

    Returns:
      The number of images in each split.

    Raises:
      InvalidData: naming the first file that is missing or does not fit.
    """
    if opener is open_local and not os.path.isdir(directory):
        raise InvalidData(
            f"The data folder {directory} does not exist. Give a folder that holds train/ and "
            "validation/, or make one with: radio-signals data simulate DIR"
        )
    counts = {}
    for split in SPLITS:
        images = os.path.join(directory, split, IMAGES)
        labels = os.path.join(directory, split, LABELS)
        _check_first_row(images, height, width, opener)
        counts[split] = _check_same_length(images, labels, classes, opener)
    return counts


def _open(path: str, opener: Opener) -> BinaryIO:
    try:
        return opener(path)
    except FileNotFoundError:
        raise InvalidData(
            f"{path} is missing. A data folder holds {IMAGES} and {LABELS} in each of "
            + " and ".join(f"{split}/" for split in SPLITS)
            + "."
        ) from None
    except OSError as error:
        raise InvalidData(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_first_row(path: str, height: int, width: int, opener: Opener) -> None:
    with _open(path, opener) as stream:
        first = stream.readline()
    if not first.strip():
        raise InvalidData(f"{path} is empty. It needs one row of {height * width} values an image.")
    found = first.count(b",") + 1
    if found != height * width:
        raise InvalidData(
            f"{path}, row 1: {found} values where {height} x {width} = {height * width} are "
            "expected. Set height and width to the size of your spectrograms."
        )


def _check_same_length(images: str, labels: str, classes: int, opener: Opener) -> int:
    image_rows, label_rows = count_rows(images, opener), len(read_labels(labels, classes, opener))
    if image_rows != label_rows:
        raise InvalidData(
            f"{images} has {image_rows} rows but {labels} has {label_rows}. "
            "Row n of one belongs to row n of the other, so both must have the same number."
        )
    return image_rows


def _line_blocks(path: str, opener: Opener) -> Iterator[bytes]:
    """Yield the file in pieces of whole lines."""
    rest = b""
    with _open(path, opener) as stream:
        while chunk := stream.read(_BLOCK_BYTES):
            end = chunk.rfind(b"\n") + 1
            if not end:
                rest += chunk
                continue
            yield rest + chunk[:end]
            rest = chunk[end:]
    if rest.strip():
        yield rest + b"\n"


def _parse_fixed_width(lines: bytes, pixels: int) -> np.ndarray | None:
    """Decode cells "d.dddddd" by arithmetic on their bytes; None where the text is not so."""
    if len(lines) % (pixels * BYTES_PER_VALUE):
        return None
    cells = np.frombuffer(lines, np.uint8).reshape(-1, pixels, BYTES_PER_VALUE)
    digits = cells - np.uint8(ord("0"))
    separators = cells[..., -1]
    regular = (
        (digits[..., 0] <= 1).all()
        and (cells[..., 1] == ord(".")).all()
        and (digits[..., 2:8] <= 9).all()
        and (separators[:, :-1] == ord(",")).all()
        and (separators[:, -1] == ord("\n")).all()
    )
    if not regular:
        return None
    millionths = digits[..., 0].astype(np.uint32)
    for place in range(2, 8):
        millionths *= 10
        millionths += digits[..., place]
    if (millionths > 1_000_000).any():
        return None
    # Nearest k of k/255; at most 255e6 + 5e5, which fits 32 bits.
    return ((millionths * 255 + 500_000) // 1_000_000).astype(np.uint8)


def _parse_general(lines: bytes, pixels: int, path: str, first_row: int) -> np.ndarray:
    values = _numbers(lines, pixels, path, first_row)
    in_range = (values >= 0) & (values <= 1)  # False for NaN too
    if not in_range.all():
        row, column = np.unravel_index(np.argmin(in_range), in_range.shape)
        value = values[row, column]
        if not first_row and not row and (values[0] == np.arange(pixels)).all():
            remedy = "Row 1 holds the numbers of the columns: write the file without a header."
        elif 2 <= value <= 255:
            remedy = "Divide 0..255 grey levels by 255."
        else:
            remedy = "Values are grey levels between 0 and 1."
        raise InvalidData(
            f"{path}, row {first_row + row + 1}, column {column + 1}: {_digits(value)} is not "
            f"between 0 and 1. {remedy}"
        )
    return np.rint(values * 255).astype(np.uint8)


def _numbers(lines: bytes, columns: int, path: str, first_row: int) -> np.ndarray:
    """Parse lines of numbers to float32 [rows, columns], or say where they are not."""
    names = [str(column) for column in range(columns)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(lines),
            read_options=arrow_csv.ReadOptions(
                column_names=names, block_size=len(lines) + 1, use_threads=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.float32() for name in names},
                null_values=[],
                strings_can_be_null=False,
            ),
            # Skipped, as they are by default, an empty line would shift every label after it.
            parse_options=arrow_csv.ParseOptions(ignore_empty_lines=False),
        )
    except pa.ArrowInvalid as error:
        raise _first_bad_cell(lines, columns, path, first_row, error) from None
    return np.stack([column.to_numpy() for column in table.columns], axis=1)


def _first_bad_cell(
    lines: bytes, columns: int, path: str, first_row: int, error: Exception
) -> InvalidData:
    """Find the place a parser stumbled over. Slow, but only ever sees one bad block."""
    for row, line in enumerate(lines.splitlines(), start=first_row + 1):
        if not line.strip():
            return InvalidData(f"{path}, row {row} is empty. Remove the line, or fill it.")
        cells = line.split(b",")
        if len(cells) != columns:
            return InvalidData(
                f"{path}, row {row}: {len(cells)} values where {columns} are expected."
            )
        for column, cell in enumerate(cells, start=1):
            try:
                float(cell)
            except ValueError:
                shown = cell[:40].decode("utf-8", "replace")
                return InvalidData(
                    f'{path}, row {row}, column {column}: "{shown}" is not a number.'
                )
    return InvalidData(f"{path}, near row {first_row + 1}: {error}")


def _digits(value: np.float32) -> str:
    """As few digits as tell the value from its neighbours."""
    return str(value).removesuffix(".0")


def _shown(row: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:g}" for value in row) + ")"
