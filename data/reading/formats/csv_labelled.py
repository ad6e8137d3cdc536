"""One CSV file with the label in the same row: its last column, its first, or a named one.

    SPLIT/*.csv, SPLIT.csv or SPLIT-*.csv     gzipped or not, with or without a header

The label is a class name, an index, or one-hot over as many columns as there are classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from data.invalid import InvalidData
from data.reading import labels as label_values
from data.reading.cells import parse_levels, wrong_count
from data.reading.files import Files
from data.reading.formats import naming
from data.reading.formats.csv_text import CsvFormat, Head, read_head, scale_of, wrong_width
from data.reading.formats.format import Part, Rows, Source
from data.reading.layout import Layout
from data.reading.problems import Fault


class LabelledCsv(CsvFormat):
    """Images and labels in one CSV file."""

    name = "csv"
    needs = "train.csv and validation.csv, or such files in train/ and validation/"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        return naming.single_files(names, split, r"\.csv(\.gz)?", inside="(?!images|labels)")

    def plan(self, source: Source, layout: Layout, files: Files) -> list[Part]:
        """See `Format`."""
        head = read_head(source.images, files)
        widths = head.widths or [len(head.header or ())]
        fitting = {layout.pixels + 1, layout.pixels + len(layout.classes)} & set(widths)
        if not fitting:
            also = " and a label, or one for each class,"
            raise InvalidData(wrong_width(source.images, widths[0], layout, also))
        columns = max(fitting, key=widths.count)
        label_cells = columns - layout.pixels
        at = _label_column(source.images, head, columns, label_cells, layout)
        pixels = head.row[: at[0]] + head.row[at[1] :]
        return self._parts(source, head, scale_of(pixels, layout), files, at)

    def read(self, part: Part, layout: Layout, files: Files) -> Iterator[Rows]:
        """See `Format`."""
        first, end = part.label_at
        columns = layout.pixels + end - first
        for lines, cut in self._blocks(part, files):
            faults: dict[int, Fault] = {}
            pixel_lines, label_lines = [], []
            rows = lines.split(b"\n")[:-1]
            for number, line in enumerate(rows):
                wrong = wrong_count(line, columns)
                if cut and number == len(rows) - 1:
                    wrong = cut
                if wrong:
                    faults[number] = Fault(number, 0, wrong)
                    line = b",".join([b"0"] * columns)
                label, pixels = _split(line, first, end, columns)
                pixel_lines.append(pixels)
                label_lines.append(label)
            levels, pixel_faults = parse_levels(_joined(pixel_lines), layout.pixels, part.scale)
            labels, label_faults = label_values.from_text(_joined(label_lines), layout.classes)
            for fault in pixel_faults:
                shift = end - first if fault.column > first else 0
                faults.setdefault(fault.row, Fault(fault.row, fault.column + shift, fault.text))
            for fault in label_faults:
                faults.setdefault(fault.row, Fault(fault.row, first + 1, fault.text))
            labels[list(faults)] = label_values.BAD
            yield Rows(levels, [faults[row] for row in sorted(faults)], labels)

    def labels(self, source: Source, layout: Layout, files: Files) -> None:
        """They come with the rows."""


def _label_column(
    path: str, head: Head, columns: int, cells: int, layout: Layout
) -> tuple[int, int]:
    """Columns of the label, from and to."""
    wanted = layout.label_column
    names = [name.strip().strip(b'"').decode("utf-8", "replace") for name in head.header or ()]
    if wanted == "auto":
        named = [name for name in names if name.lower() in label_values.COLUMN_NAMES]
        wanted = named[0] if len(named) == 1 and cells == 1 else "last"
    if wanted == "last":
        return columns - cells, columns
    if wanted == "first":
        return 0, cells
    if wanted not in names:
        has = "its header has no such column" if names else "it has no header"
        raise InvalidData(f"{path} is to have its label in the column {wanted}, but {has}.")
    if cells != 1:
        raise InvalidData(
            f"{path} is to have its label in the column {wanted} and {layout.pixels + 1:,} columns "
            f"in all, but it has {columns:,}."
        )
    return names.index(wanted), names.index(wanted) + 1


def _split(line: bytes, first: int, end: int, columns: int) -> tuple[bytes, bytes]:
    """The cells of the label, and the others, of a line."""
    if end == columns:
        pixels, *label = line.rsplit(b",", end - first)
        return b",".join(label), pixels
    if first == 0:
        *label, pixels = line.split(b",", end)
        return b",".join(label), pixels
    cells = line.split(b",")
    return b",".join(cells[first:end]), b",".join(cells[:first] + cells[end:])


def _joined(lines: list[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n"
