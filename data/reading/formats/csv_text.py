"""What the CSV formats share: header, scale, byte ranges, and the row at which a file was cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data.reading import text
from data.reading.cells import is_number
from data.reading.formats.format import (
    MOST_BAD_ROWS,
    Chunk,
    Format,
    Source,
    bound_rows,
    too_many_bad_rows,
)
from data.reading.input_files import InputFiles, measure_file
from data.reading.layout import MOST_CELL_BYTES, Layout, Scale


@dataclass(frozen=True)
class Head:
    """What the first lines of a CSV file show.

    Attributes:
      header: cells of the header; None if there is none.
      row: cells of the first row of data; empty if there is none.
      widths: number of cells in each of the first rows, some of which may be bad.
      start: byte at which the data start.
      too_long: whether the first row of data is longer than a row can be.
    """

    header: list[bytes] | None
    row: list[bytes]
    widths: list[int]
    start: int
    too_long: bool


class CsvFormat(Format):
    """A CSV file with one image in each row, read in ranges of bytes."""

    def count(self, chunk: Chunk, layout: Layout, files: InputFiles) -> int:
        """See `Format`."""
        path, longest = chunk.source.images, layout.longest_line
        end = measure_file(path, files) if chunk.end == text.TO_THE_END else chunk.end
        most = bound_rows(path, end - chunk.start, layout)
        rows = text.count_lines(path, chunk.start, chunk.end, files, chunk.first, longest, most)
        if rows > most:
            raise too_many_bad_rows(path)
        return rows

    def _divide(
        self,
        source: Source,
        head: Head,
        scale: Scale,
        files: InputFiles,
        label_at: tuple[int, int] = (0, 0),
    ) -> list[Chunk]:
        return [
            Chunk(
                source,
                start,
                end,
                first=start == head.start,
                row_offset=1 if head.header is None else 2,
                scale=scale,
                label_at=label_at,
            )
            for start, end in text.divide(source.images, head.start, files)
        ]

    def _read_blocks(
        self, chunk: Chunk, layout: Layout, files: InputFiles
    ) -> Iterator[tuple[bytes, str]]:
        """Yield blocks of lines, and with the last one how its last line was cut off, if it was."""
        path = chunk.source.images
        # Good rows, whose values take two bytes each, are not more. Empty lines can be millions.
        most_rows = min(text.BLOCK_BYTES // (2 * layout.pixels) + 1, MOST_BAD_ROWS)
        previous = None
        for block in text.read_blocks(
            path, chunk.start, chunk.end, files, chunk.first, layout.longest_line
        ):
            for part in text.split_block(block, most_rows):
                if chunk.end == text.TO_THE_END:  # its last line cannot be known in advance
                    yield part, ""
                    continue
                if previous is not None:
                    yield previous, ""
                previous = part
        if previous is None:
            return
        cut = ""
        if chunk.end == measure_file(path, files) and text.ends_within_line(path, files):
            cut = _describe_cut(previous)
        yield previous, cut


def read_head(path: str, layout: Layout, files: InputFiles) -> Head:
    """Read the first lines of a file.

    Raises:
      InvalidData: the file is missing, empty or in another encoding.
    """
    lines, start, second = text.read_first_lines(path, 3, files, layout.longest_line)
    rows = [line.split(b",") for line in lines]
    header = rows.pop(0) if is_header(rows[0]) else None
    if header is not None:
        start = second
        lines = lines[1:]
    return Head(
        header=header,
        row=rows[0] if rows else [],
        widths=[len(row) for row in rows if row != [b""]],
        start=start,
        too_long=bool(lines) and len(lines[0]) > layout.longest_line,
    )


def is_header(cells: Sequence[bytes]) -> bool:
    """Return whether most cells are words, or all of them are the numbers of the columns."""
    texts = [cell.strip().strip(b'"') for cell in cells]
    words = sum(not is_number(cell) for cell in texts)
    if len(texts) > 2 and 2 * words > len(texts):
        return True
    numbered = [str(number).encode() for number in range(len(texts))]
    return len(texts) > 2 and (texts == numbered or texts[1:] == numbered[:-1])


def choose_scale(cells: Sequence[bytes], layout: Layout) -> Scale:
    """Return how grey levels are written, by configuration or by the first row."""
    if layout.values != "auto":
        return layout.values
    values = [float(cell) for cell in cells if is_number(cell)]
    whole = all(value.is_integer() and 0 <= value <= 255 for value in values)
    return "levels" if whole and max(values, default=0) > 1 else "unit"


def describe_width(path: str, head: Head, layout: Layout, also: str = "") -> str:
    """Return the message for a file whose rows all have another number of values."""
    size = f"{layout.height} x {layout.width} = {layout.pixels:,}"
    if head.too_long:
        return (
            f"{path} has rows longer than {layout.longest_line:,} bytes where {size} values{also} "
            f"of at most {MOST_CELL_BYTES} bytes are expected. Set height and width to the size of "
            "your spectrograms, write shorter numbers, and each row on its own line."
        )
    columns = head.widths[0] if head.widths else len(head.header or ())
    return (
        f"{path} has {columns:,} values a row where {size}{also} are expected. "
        "Set height and width to the size of your spectrograms."
    )


def _describe_cut(block: bytes) -> str:
    """Return what shows that the last line of a file was cut off; empty if it may be whole."""
    lines = block[:-1].rsplit(b"\n", 2)
    last = lines[-1].split(b",")
    before = len(lines[-2].split(b",")) if len(lines) > 1 else len(last)
    advice = "It was cut off: copy or write it again."
    if len(last) < before:
        return f"the file ends after {len(last):,} of the row's {before:,} values. {advice}"
    lengths = {len(cell) for cell in last[:-1]}
    if len(lengths) == 1 and b"." in last[0] and len(last[-1]) < lengths.pop():
        return f"the file ends within the row's last value. {advice}"
    return ""
