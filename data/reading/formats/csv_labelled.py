"""One CSV file with the label in each row: in its last column, its first, or a named one.

    SPLIT/*.csv, SPLIT.csv or SPLIT-*.csv     gzipped or not, with or without a header

The label is a class name, an index, or one-hot over as many columns as there are classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from data.invalid import InvalidData
from data.reading import labels as label_values
from data.reading.cells import check_count, parse_levels
from data.reading.formats import naming
from data.reading.formats.csv_text import (
    CsvFormat,
    Head,
    choose_scale,
    describe_width,
    read_head,
)
from data.reading.formats.format import Chunk, Rows, Source
from data.reading.input_files import InputFiles
from data.reading.layout import Layout
from data.reading.problems import Fault


class LabelledCsv(CsvFormat):
    """Images and labels in one CSV file."""

    name = "csv"
    needs = "train.csv and validation.csv, or such files in train/ and validation/"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        return naming.find_single_files(
            names, split, r"\.csv(\.gz)?", beginning="(?!images|labels)"
        )

    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """See `Format`."""
        head = read_head(source.images, layout, files)
        widths = head.widths or [len(head.header or ())]
        fitting = {layout.pixels + 1, layout.pixels + len(layout.classes)} & set(widths)
        if not fitting:
            also = " and a label, or one for each class,"
            raise InvalidData(describe_width(source.images, head, layout, also))
        columns = max(fitting, key=widths.count)
        label_cells = columns - layout.pixels
        first, end = _find_label(source.images, head, columns, label_cells, layout)
        scale = choose_scale(head.row[:first] + head.row[end:], layout)
        return self._divide(source, head, scale, files, (first, end))

    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """See `Format`."""
        first, end = chunk.label_at
        columns = layout.pixels + end - first
        placeholder = b",".join([b"0"] * columns)
        for lines, cut in self._read_blocks(chunk, layout, files):
            faults: dict[int, Fault] = {}
            pixel_lines, label_lines = [], []
            rows = lines.split(b"\n")[:-1]
            for number, row in enumerate(rows):
                message = check_count(row, columns)
                if cut and number == len(rows) - 1:
                    message = cut
                if message:
                    faults[number] = Fault(number, 0, message)
                label, pixels = _split_line(placeholder if message else row, first, end, columns)
                pixel_lines.append(pixels)
                label_lines.append(label)
            levels, pixel_faults = parse_levels(_join(pixel_lines), layout.pixels, chunk.scale)
            labels, label_faults = label_values.parse_text(
                _join(label_lines), layout.classes, end - first
            )
            for fault in pixel_faults:
                shift = end - first if fault.column > first else 0
                faults.setdefault(fault.row, Fault(fault.row, fault.column + shift, fault.text))
            for fault in label_faults:
                faults.setdefault(fault.row, Fault(fault.row, first + 1, fault.text))
            labels[list(faults)] = label_values.BAD
            yield Rows(levels, [faults[row] for row in sorted(faults)], labels)

    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> None:
        """Return None: the labels come with the rows."""


def _find_label(path: str, head: Head, columns: int, cells: int, layout: Layout) -> tuple[int, int]:
    """Return the first column of the label and the column after its last."""
    column = layout.label_column
    names = [label_values.decode_name(cell) for cell in head.header or ()]
    if column == "auto":
        known = [name for name in names if name.lower() in label_values.COLUMN_NAMES]
        column = known[0] if len(known) == 1 and cells == 1 else "last"
    if column == "last":
        return columns - cells, columns
    if column == "first":
        return 0, cells
    if column not in names:
        reason = "its header has no such column" if names else "it has no header"
        raise InvalidData(f"{path} should have its label in the column {column}, but {reason}.")
    if cells != 1:
        raise InvalidData(
            f"{path} should have its label in the column {column} and {layout.pixels + 1:,} "
            f"columns in all, but it has {columns:,}."
        )
    return names.index(column), names.index(column) + 1


def _split_line(line: bytes, first: int, end: int, columns: int) -> tuple[bytes, bytes]:
    """Return the cells of the label and the cells of the pixels."""
    if end == columns:
        pixels, *label = line.rsplit(b",", end - first)
        return b",".join(label), pixels
    if first == 0:
        *label, pixels = line.split(b",", end)
        return b",".join(label), pixels
    cells = line.split(b",")
    return b",".join(cells[first:end]), b",".join(cells[:first] + cells[end:])


def _join(lines: list[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n"
