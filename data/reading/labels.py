"""Labels to class indices, however they are written: one-hot, index or class name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.invalid import InvalidData
from data.reading.cells import EMPTY_LINE, is_number, parse_numbers, shown
from data.reading.problems import Fault

BAD = -1

# What a column of labels is called where nobody was asked.
COLUMN_NAMES = ("label", "labels", "class", "class_name", "target")

Indices = tuple[np.ndarray, list[Fault]]
"""int64 [rows], `BAD` in bad rows, and one fault for each of them."""


def from_text(lines: bytes, classes: Sequence[str]) -> Indices:
    """Class indices from lines that hold either one cell or one cell a class.

    Args:
      lines: text, every line ended by a newline.
      classes: names by index.
    """
    if b"," not in lines.partition(b"\n")[0]:
        return from_cells(lines.split(b"\n")[:-1], classes)
    values, faults = parse_numbers(lines, len(classes))
    return from_one_hot(values, faults)


def from_one_hot(values: np.ndarray, faults: Sequence[Fault] = ()) -> Indices:
    """Class indices from rows with a 1 and zeros, [rows, classes]."""
    one_hot = ((values == 0) | (values == 1)).all(axis=1) & (values.sum(axis=1) == 1)
    known = [fault.row for fault in faults]
    wrong = np.setdiff1d(np.flatnonzero(~one_hot), known).tolist()
    found = [
        Fault(
            row,
            0,
            "the label (" + ", ".join(f"{value:g}" for value in values[row]) + ") is not one-hot. "
            "Exactly one of its values must be 1 and the others 0.",
        )
        for row in wrong
    ]
    index = values.argmax(axis=1).astype(np.int64)
    index[[*known, *wrong]] = BAD
    return index, sorted([*faults, *found], key=lambda fault: fault.row)


def from_cells(cells: Sequence[bytes], classes: Sequence[str]) -> Indices:
    """Class indices from cells that hold an index or a class name each."""
    known = {name.encode(): index for index, name in enumerate(classes)}
    known |= {str(index).encode(): index for index in range(len(classes))}
    known |= {f"{index}.0".encode(): index for index in range(len(classes))}
    index = np.full(len(cells), BAD, np.int64)
    faults = []
    for row, cell in enumerate(cells):
        text = cell.strip().strip(b'"')
        index[row] = known.get(text, BAD)
        if index[row] == BAD:
            faults.append(Fault(row, 0, _unknown(text, classes)))
    return index, faults


def from_indices(values: np.ndarray, classes: Sequence[str]) -> Indices:
    """Class indices from numbers [rows]."""
    index = np.where((values >= 0) & (values < len(classes)), values, BAD).astype(np.int64)
    index[index != values] = BAD
    faults = [
        Fault(int(row), 0, _unknown(str(values[row]).encode(), classes))
        for row in np.flatnonzero(index == BAD)
    ]
    return index, faults


def from_array(values: np.ndarray, classes: Sequence[str], path: str) -> Indices:
    """Class indices from an array: numbers or names [rows], or one-hot [rows, classes].

    Raises:
      InvalidData: the array is none of these.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 1 and values.dtype.kind in "US":
        cells = [cell.encode() if isinstance(cell, str) else cell for cell in values.tolist()]
        return from_cells(cells, classes)
    if values.ndim == 1 and values.dtype.kind in "iufb":
        return from_indices(values, classes)
    if values.ndim == 2 and values.shape[1] == len(classes) and values.dtype.kind in "iufb":
        return from_one_hot(values)
    raise InvalidData(
        f"{path} holds labels of shape {values.shape} and type {values.dtype}. Labels are an index "
        f"or a class name for each image, or one-hot rows of {len(classes)}."
    )


def is_header(cells: Sequence[bytes], classes: Sequence[str]) -> bool:
    """Whether the first row of a file of labels is a header and no label."""
    texts = [cell.strip().strip(b'"').decode("utf-8", "replace") for cell in cells]
    if len(texts) == 1:
        return texts[0] not in classes and texts[0].lower() in COLUMN_NAMES
    # The numbers of columns; of two columns they could be a one-hot row.
    numbered = len(texts) > 2 and texts == [str(number) for number in range(len(texts))]
    return numbered or not any(is_number(cell) for cell in cells)


def check_header(cells: Sequence[bytes], classes: Sequence[str], path: str) -> None:
    """Refuse a header that names the classes in another order, or other classes.

    Raises:
      InvalidData: it does. A header of other words is let pass.
    """
    names = [cell.strip().strip(b'"').decode("utf-8", "replace") for cell in cells]
    if len(names) != len(classes) or names == list(classes) or not set(names) & set(classes):
        return
    raise InvalidData(
        f"{path} has a header that names its columns {', '.join(names)}, but the classes are "
        f"configured as {', '.join(classes)}. Set classes to the header's names, in its order."
    )


def _unknown(text: bytes, classes: Sequence[str]) -> str:
    if not text:
        return EMPTY_LINE
    last = len(classes) - 1
    return (
        f'"{shown(text)}" is not a class. Classes are {", ".join(classes)}, or 0 to {last}; '
        "set classes to the names in the data."
    )
