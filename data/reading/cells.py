"""Converts text to grey levels: the inner loop of reading CSV files.

Cells of exactly the published form ("0.631373": k/255 with six decimals) are looked up: their eight
bytes are one number, which a table leads to k. PyArrow parses all other numbers as one long column,
which is more than twice as fast as thousands of short ones. Only blocks with an error are parsed
line by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from data.invalid import escape
from data.reading.layout import MOST_CELL_BYTES, Scale
from data.reading.problems import Fault
from data.seed_layout import BYTES_PER_VALUE, encode_csv

_MORE = " ({} more of this row's values are wrong.)"

EMPTY_LINE = "the line is empty. Remove it, or fill it."

Levels = tuple[NDArray[np.uint8], list[Fault]]
"""Grey levels [rows, pixels], zeros in bad rows, and at most one fault for each row."""


def parse_levels(lines: bytes, pixels: int, scale: Scale) -> Levels:
    """Parse whole lines of comma-separated grey levels.

    Args:
      lines: text in which every line ends with a newline.
      pixels: number of values in a line.
      scale: how the values are written.
    """
    if scale == "unit":
        levels = _parse_published(lines, pixels)
        if levels is not None:
            return levels, []
    values, faults = parse_numbers(lines, pixels)
    return convert_to_levels(values, scale, faults)


def convert_to_levels(values: NDArray[Any], scale: Scale, faults: Sequence[Fault] = ()) -> Levels:
    """Convert numbers to grey levels.

    Args:
      values: numbers of any type, [rows, pixels].
      scale: how the values are written.
      faults: known faults. Their rows are not checked again.

    Returns:
      The levels and all faults, with one fault for each row that has a value out of range.
    """
    faults = list(faults)
    if scale == "levels":
        if values.dtype == np.uint8:
            return values, faults
        good = (values >= 0) & (values <= 255)
        if not np.issubdtype(values.dtype, np.integer):
            good &= values == np.floor(values)
    else:
        good = (values >= 0) & (values <= 1)  # false for NaN too
    good[[fault.row for fault in faults]] = True
    for row in np.flatnonzero(~good.all(axis=1)).tolist():
        columns = np.flatnonzero(~good[row])
        text = _describe_out_of_range(values[row, columns[0]], scale)
        if len(columns) > 1:
            text += _MORE.format(f"{len(columns) - 1:,}")
        faults.append(Fault(row, int(columns[0]) + 1, text))
    if faults:
        values = values.copy()
        values[[fault.row for fault in faults]] = 0
    if scale == "unit":
        values = np.rint(values * 255)
    return values.astype(np.uint8), sorted(faults, key=lambda fault: fault.row)


def parse_numbers(lines: bytes, columns: int) -> tuple[NDArray[np.float32], list[Fault]]:
    """Parse whole lines of comma-separated numbers.

    Returns:
      Values [lines, columns], zeros in bad rows, and at most one fault for each row.
    """
    values = _parse_at_once(lines, columns)
    if values is not None:
        return values, []
    rows, faults = lines.split(b"\n")[:-1], []
    values = np.zeros((len(rows), columns), np.float32)
    for number, line in enumerate(rows):
        parsed = _parse_line(line, columns)
        if isinstance(parsed, tuple):
            faults.append(Fault(number, *parsed))
        else:
            values[number] = parsed
    return values, faults


def _parse_published(lines: bytes, pixels: int) -> NDArray[np.uint8] | None:
    """Look up cells of the published form; return None for any other text."""
    if len(lines) % (pixels * BYTES_PER_VALUE):
        return None
    rows = len(lines) // (pixels * BYTES_PER_VALUE)
    if lines[BYTES_PER_VALUE - 1 :: BYTES_PER_VALUE] != rows * ((pixels - 1) * b"," + b"\n"):
        return None
    cells = np.frombuffer(lines, _CELL)["value"].reshape(rows, pixels)
    levels = np.empty(cells.shape, np.uint8)
    values, places, found = np.empty((3, pixels), np.uint64)
    # A row at a time stays in the processor's cache.
    for row, read in zip(levels, cells, strict=True):
        np.copyto(values, read)
        np.multiply(values, _MULTIPLIER, out=places)
        np.right_shift(places, _SHIFT, out=places)
        _TABLE.take(places.view(np.int64), out=found, mode="wrap")
        np.bitwise_xor(found, values, out=found)
        if found.max() > 255:
            return None
        np.copyto(row, found, casting="unsafe")
    return levels


def _make_table() -> tuple[np.uint64, NDArray[np.uint64]]:
    """Return a multiplier, and a table that says by place which value has which level.

    The place of a value is the product of its eight bytes and the multiplier, modulo 2**64, without
    its last bits. There the table has the exclusive or of the value and its level. So the exclusive
    or with text that was read is the level, or a number above 255 if any byte but the first differs
    from the value. The multiplier is one that gives all 256 values places of their own, and another
    place to text that differs from a value in the first byte only.
    """
    levels = np.arange(256, dtype=np.uint64)
    values = np.frombuffer(encode_csv(levels.astype(np.uint8)[np.newaxis]), _CELL)["value"]
    width = 1 << int(_SHIFT)
    rng = np.random.default_rng(0)
    while True:
        multiplier = rng.integers(1 << 63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        places = values * multiplier >> _SHIFT
        moves = levels[1:] * multiplier
        is_apart = (moves >= width) & (moves <= 2**64 - width)
        if len(np.unique(places)) == len(places) and is_apart.all():
            break
    table = np.full(_PLACES, 1 << 63, np.uint64)
    table[places] = values ^ levels
    return multiplier, table


_CELL = np.dtype([("value", "<u8"), ("separator", "u1")])
_PLACES, _SHIFT = 1 << 11, np.uint64(64 - 11)
_MULTIPLIER, _TABLE = _make_table()


def _parse_at_once(lines: bytes, columns: int) -> NDArray[np.float32] | None:
    """Parse all lines as one column; return None if a line does not hold `columns` numbers."""
    text = np.frombuffer(lines, np.uint8)
    starts = np.concatenate([[0], np.flatnonzero(text[:-1] == ord("\n")) + 1])
    commas = np.add.reduceat(text == ord(","), starts, dtype=np.int64)
    longest = np.diff(starts, append=len(text)).max()
    if (commas != columns - 1).any() or longest > MOST_CELL_BYTES * columns + 1:
        return None
    column = lines.replace(b",", b"\n")
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(column),
            read_options=arrow_csv.ReadOptions(
                column_names=["value"], block_size=len(column) + 1, use_threads=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={"value": pa.float32()}, null_values=[], strings_can_be_null=False
            ),
            # PyArrow skips empty lines by default: every value after an empty cell would shift.
            parse_options=arrow_csv.ParseOptions(ignore_empty_lines=False, quote_char=False),
        )
    except pa.ArrowInvalid:
        return None
    parsed = table.column(0).combine_chunks()
    if len(parsed) != len(starts) * columns:
        return None
    # to_numpy() would import pandas, which takes a quarter of a second.
    content = np.frombuffer(parsed.buffers()[1], np.float32)
    return content[parsed.offset : parsed.offset + len(parsed)].reshape(-1, columns)


def _parse_line(line: bytes, columns: int) -> NDArray[np.float32] | tuple[int, str]:
    """Return the numbers of a line, or the bad column (0 for the line) and what is wrong."""
    if message := check_count(line, columns):
        return 0, message
    cells = line.split(b",")
    bad = [number for number, cell in enumerate(cells) if not is_number(cell)]
    if not bad:
        # Not by an array of text, in which each cell takes as much memory as the longest.
        with np.errstate(over="ignore"):
            return np.array([float(cell) for cell in cells], np.float64).astype(np.float32)
    text = f'"{make_printable(cells[bad[0]])}" is not a number.'
    if len(bad) > 1:
        text += _MORE.format(f"{len(bad) - 1:,}")
    return bad[0] + 1, text


def check_count(line: bytes, columns: int) -> str:
    """Return what is wrong with the length of a line, or an empty string."""
    if len(line) > MOST_CELL_BYTES * columns:
        return (
            f"the line is longer than {MOST_CELL_BYTES * columns:,} bytes, {MOST_CELL_BYTES} for "
            f"each of its {columns:,} values. Write shorter numbers, and each row on its own line."
        )
    if not line.strip():
        return EMPTY_LINE
    count = line.count(b",") + 1
    if count == columns:
        return ""
    return f"{count:,} values where {columns:,} are expected." + _advise_on_separator(line)


def is_number(cell: bytes) -> bool:
    """Return whether the text of a cell is a number. NaN and infinity are numbers."""
    try:
        float(cell)
    except ValueError:
        return False
    return b"_" not in cell  # which Python allows between digits


def make_printable(cell: bytes) -> str:
    """Return the text of a cell for a message, shortened."""
    return escape(cell[:40].decode("utf-8", "backslashreplace"))


def _advise_on_separator(line: bytes) -> str:
    for name, separator in (("semicolons", b";"), ("tabs", b"\t"), ("spaces", b" ")):
        if b"," not in line and separator in line.strip():
            return f" They are separated by {name}: separate them by commas."
    return ""


def _describe_out_of_range(value: Any, scale: Scale) -> str:
    # str() of a NumPy number has the fewest digits that tell it from its neighbours.
    digits = str(value).removesuffix(".0")
    if scale == "levels":
        whole = "" if np.isnan(value) or value == np.floor(value) else "a whole number "
        return f"{digits} is not {whole}between 0 and 255."
    remedy = "Values are grey levels between 0 and 1."
    if 2 <= value <= 255:
        remedy = "Divide 0..255 grey levels by 255, or set input.values=levels."
    return f"{digits} is not between 0 and 1. {remedy}"
