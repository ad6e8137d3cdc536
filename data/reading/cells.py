"""Text to grey levels: the inner loop of reading CSV files.

Cells of exactly the published form ("0.631373", six decimals) are decoded by integer arithmetic on
the bytes. Other numbers are parsed by pyarrow as one long column, which is more than twice as fast
as thousands of short ones. Only lines of a block that is known to be bad are looked at one by one.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from data.reading.problems import Fault
from data.seed_layout import BYTES_PER_VALUE

_MORE = " ({} more of this row's values are wrong.)"

EMPTY_LINE = "the line is empty. Remove it, or fill it."

Levels = tuple[np.ndarray, list[Fault]]
"""uint8 [rows, pixels], zeros in bad rows, and at most one fault a row."""


def parse_levels(lines: bytes, pixels: int, scale: str) -> Levels:
    """Parse whole lines of comma-separated grey levels.

    Args:
      lines: text, every line ended by a newline.
      pixels: values a line.
      scale: "unit" for values 0..1, "levels" for whole numbers 0..255.
    """
    if scale == "unit":
        levels = _parse_fixed_width(lines, pixels)
        if levels is not None:
            return levels, []
    values, faults = parse_numbers(lines, pixels)
    return to_levels(values, scale, faults)


def to_levels(values: np.ndarray, scale: str, faults: list[Fault] | None = None) -> Levels:
    """Turn numbers [rows, pixels] to grey levels, with a fault for each row that has others.

    Args:
      values: of any numeric type.
      scale: as above.
      faults: what is wrong already; those rows are left alone.
    """
    faults = list(faults or ())
    if scale == "levels":
        if values.dtype == np.uint8:
            return values, faults
        good = (values >= 0) & (values <= 255)
        if not np.issubdtype(values.dtype, np.integer):
            good &= values == np.floor(values)
    else:
        good = (values >= 0) & (values <= 1)  # False for NaN too
    known = [fault.row for fault in faults]
    good[known] = True
    bad_rows = np.flatnonzero(~good.all(axis=1))
    for row in bad_rows.tolist():
        columns = np.flatnonzero(~good[row])
        text = _out_of_range(values[row, columns[0]], scale)
        if len(columns) > 1:
            text += _MORE.format(f"{len(columns) - 1:,}")
        faults.append(Fault(row, int(columns[0]) + 1, text))
    if faults:
        values = values.copy()
        values[[fault.row for fault in faults]] = 0
    if scale == "unit":
        values = np.rint(values * 255)
    return values.astype(np.uint8), sorted(faults, key=lambda fault: fault.row)


def parse_numbers(lines: bytes, columns: int) -> tuple[np.ndarray, list[Fault]]:
    """Parse whole lines of comma-separated numbers.

    Returns:
      float32 [lines, columns], zeros in bad rows, and at most one fault a row.
    """
    values = _numbers_at_once(lines, columns)
    if values is not None:
        return values, []
    rows, faults = [], []
    for number, line in enumerate(lines.split(b"\n")[:-1]):
        parsed = _numbers_of_line(line, columns)
        if isinstance(parsed, tuple):
            faults.append(Fault(number, *parsed))
            parsed = np.zeros(columns, np.float32)
        rows.append(parsed)
    return np.stack(rows), faults


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


def _numbers_at_once(lines: bytes, columns: int) -> np.ndarray | None:
    """Parse all lines as one column; None where a line is not so many numbers."""
    text = np.frombuffer(lines, np.uint8)
    starts = np.concatenate([[0], np.flatnonzero(text[:-1] == ord("\n")) + 1])
    commas = np.add.reduceat(text == ord(","), starts, dtype=np.int64)
    if (commas != columns - 1).any():
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
            # Skipped, as they are by default, an empty cell would shift every value after it.
            parse_options=arrow_csv.ParseOptions(ignore_empty_lines=False, quote_char=False),
        )
    except pa.ArrowInvalid:
        return None
    parsed = table.column(0).combine_chunks()
    if len(parsed) != len(starts) * columns:
        return None
    # Not to_numpy(), which imports pandas for a quarter of a second.
    content = np.frombuffer(parsed.buffers()[1], np.float32)
    return content[parsed.offset : parsed.offset + len(parsed)].reshape(-1, columns)


def _numbers_of_line(line: bytes, columns: int) -> np.ndarray | tuple[int, str]:
    """The numbers of a line, or the column (0: all of it) and the text of what is wrong."""
    if wrong := wrong_count(line, columns):
        return 0, wrong
    cells = line.split(b",")
    try:
        return np.array(cells, dtype="S").astype(np.float32)
    except ValueError:
        wrong = [number for number, cell in enumerate(cells) if not is_number(cell)]
    text = f'"{shown(cells[wrong[0]])}" is not a number.'
    if len(wrong) > 1:
        text += _MORE.format(f"{len(wrong) - 1:,}")
    return wrong[0] + 1, text


def wrong_count(line: bytes, columns: int) -> str:
    """What is wrong with the number of values of a line; empty if nothing is."""
    if not line.strip():
        return EMPTY_LINE
    found = line.count(b",") + 1
    if found == columns:
        return ""
    return f"{found:,} values where {columns:,} are expected." + _separator_hint(line)


def is_number(cell: bytes) -> bool:
    """Whether the text of a cell is a number, NaN and infinity included."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def shown(cell: bytes) -> str:
    """The text of a cell, cut and made printable."""
    return cell[:40].decode("utf-8", "backslashreplace")


def _separator_hint(line: bytes) -> str:
    for name, separator in (("semicolons", b";"), ("tabs", b"\t"), ("spaces", b" ")):
        if b"," not in line and separator in line.strip():
            return f" They are separated by {name}: separate them by commas."
    return ""


def _out_of_range(value: np.generic, scale: str) -> str:
    # As few digits as tell the value from its neighbours.
    digits = str(value).removesuffix(".0")
    if scale == "levels":
        whole = "" if np.isnan(value) or value == np.floor(value) else "a whole number "
        return f"{digits} is not {whole}between 0 and 255."
    remedy = "Values are grey levels between 0 and 1."
    if 2 <= value <= 255:
        remedy = "Divide 0..255 grey levels by 255, or set input.values=levels."
    return f"{digits} is not between 0 and 1. {remedy}"
