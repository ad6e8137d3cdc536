"""Converts labels to class indices, whether they are one-hot rows, indices or class names."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.cells import EMPTY_LINE, is_number, make_printable, parse_numbers
from data.reading.problems import Fault

BAD = -1

COLUMN_NAMES = ("label", "labels", "class", "class_name", "target")
"""Names by which the column of the label is recognised in a header."""

Indices = tuple[NDArray[np.int64], list[Fault]]
"""Class indices [rows], `BAD` in bad rows, and one fault for each bad row."""


def parse_text(lines: bytes, classes: Sequence[str], cells: int) -> Indices:
    """Parse lines that hold either one cell or one cell for each class.

    Args:
      lines: text in which every line ends with a newline.
      classes: names by index.
      cells: number of cells in a line.
    """
    if cells == 1:
        return parse_cells(lines.split(b"\n")[:-1], classes)
    values, faults = parse_numbers(lines, len(classes))
    return convert_one_hot(values, faults)


def convert_one_hot(values: NDArray[Any], faults: Sequence[Fault] = ()) -> Indices:
    """Convert rows that hold a 1 and zeros, [rows, classes], and keep their known faults."""
    one_hot = ((values == 0) | (values == 1)).all(axis=1) & ((values == 1).sum(axis=1) == 1)
    known = [fault.row for fault in faults]
    bad = np.setdiff1d(np.flatnonzero(~one_hot), known).tolist()
    new_faults = [
        Fault(
            row,
            0,
            "the label (" + ", ".join(f"{value:g}" for value in values[row]) + ") is not one-hot. "
            "Exactly one of its values must be 1 and the others 0.",
        )
        for row in bad
    ]
    index = values.argmax(axis=1).astype(np.int64)
    index[[*known, *bad]] = BAD
    return index, sorted([*faults, *new_faults], key=lambda fault: fault.row)


def parse_cells(cells: Sequence[bytes], classes: Sequence[str]) -> Indices:
    """Parse cells that each hold an index or a class name."""
    known = {name.encode(): index for index, name in enumerate(classes)}
    known |= {str(index).encode(): index for index in range(len(classes))}
    known |= {f"{index}.0".encode(): index for index in range(len(classes))}
    index = np.full(len(cells), BAD, np.int64)
    faults = []
    for row, cell in enumerate(cells):
        text = cell.strip().strip(b'"')
        index[row] = known.get(text, BAD)
        if index[row] == BAD:
            faults.append(Fault(row, 0, _describe_unknown(text, classes)))
    return index, faults


def convert_indices(values: NDArray[Any], classes: Sequence[str]) -> Indices:
    """Check numbers [rows] that are to be class indices."""
    index = np.full(values.shape, BAD, np.int64)
    in_range = (values >= 0) & (values < len(classes))
    # Not `np.where`: NumPy 2 would make `BAD` a byte if the values are bytes, which is 255.
    index[in_range] = values[in_range]
    index[index != values] = BAD
    faults = [
        Fault(int(row), 0, _describe_unknown(str(values[row]).encode(), classes))
        for row in np.flatnonzero(index == BAD)
    ]
    return index, faults


def convert_array(values: NDArray[Any], classes: Sequence[str], path: str) -> Indices:
    """Convert an array of numbers or names [rows] or [rows, 1], or of numbers [rows, classes].

    Raises:
      InvalidData: a name is not text.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind in "US":
        if values.dtype.kind == "U":
            codes = values.view(f"{values.dtype.byteorder}u4")
            if ((codes > sys.maxunicode) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any():
                raise InvalidData(f"{path} holds labels that are not text. Write it again.")
        cells = [cell.encode() if isinstance(cell, str) else cell for cell in values.tolist()]
        return parse_cells(cells, classes)
    return convert_indices(values, classes) if values.ndim == 1 else convert_one_hot(values)


def is_header(cells: Sequence[bytes], classes: Sequence[str]) -> bool:
    """Return whether the first row of a file of labels is a header, not a label."""
    texts = [decode_name(cell) for cell in cells]
    if len(texts) == 1:
        return texts[0] not in classes and texts[0].lower() in COLUMN_NAMES
    # The numbers of the columns. Two numbers could also be a one-hot row.
    numbered = len(texts) > 2 and texts == [str(number) for number in range(len(texts))]
    return numbered or not any(is_number(cell) for cell in cells)


def check_header(cells: Sequence[bytes], classes: Sequence[str], path: str) -> None:
    """Refuse a header that names the classes in another order, or other classes.

    Raises:
      InvalidData: it does. A header of unrelated words is accepted.
    """
    names = [decode_name(cell) for cell in cells]
    if len(names) != len(classes) or names == list(classes) or not set(names) & set(classes):
        return
    raise InvalidData(
        f"{path} has a header that names its columns {', '.join(names)}, but the classes are "
        f"configured as {', '.join(classes)}. Set classes to the header's names, in its order."
    )


def decode_name(cell: bytes) -> str:
    """Return the text of a cell of a header, without quotes."""
    return cell.strip().strip(b'"').decode("utf-8", "replace")


def _describe_unknown(text: bytes, classes: Sequence[str]) -> str:
    if not text:
        return EMPTY_LINE
    last = len(classes) - 1
    return (
        f'"{make_printable(text)}" is not a class. Classes are {", ".join(classes)}, or 0 to '
        f"{last}; set classes to the names in the data."
    )
