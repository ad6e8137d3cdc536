"""Two CSV files side by side, as in the published set: images, and one label for each row.

    SPLIT/images.csv    SPLIT/labels.csv
    SPLIT/images-*.csv  SPLIT/labels-*.csv     any number of pairs

Either file may be gzipped, with .gz after its name, and may have a header.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from data.invalid import InvalidData
from data.reading import labels as label_values
from data.reading import text
from data.reading.cells import parse_levels
from data.reading.formats import naming
from data.reading.formats.csv_text import CsvFormat, choose_scale, describe_width, read_head
from data.reading.formats.format import (
    MOST_BAD_ROWS,
    Chunk,
    LabelCollector,
    Labels,
    Rows,
    Source,
    bound_rows,
)
from data.reading.input_files import InputFiles, measure_file
from data.reading.layout import Layout
from data.reading.problems import Fault


class PairedCsv(CsvFormat):
    """images.csv and labels.csv."""

    name = "csv-pair"
    needs = "images.csv and labels.csv in each of train/ and validation/"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        return naming.find_pairs(names, split, "csv", (".gz",))

    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """See `Format`."""
        head = read_head(source.images, layout, files)
        if head.widths and layout.pixels not in head.widths:
            raise InvalidData(describe_width(source.images, head, layout))
        return self._divide(source, head, choose_scale(head.row, layout), files)

    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """See `Format`."""
        for lines, cut in self._read_blocks(chunk, layout, files):
            levels, faults = parse_levels(lines, layout.pixels, chunk.scale)
            if cut:
                last = len(levels) - 1
                faults = [fault for fault in faults if fault.row != last] + [Fault(last, 0, cut)]
            yield Rows(levels, faults)

    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> Labels:
        """See `Format`."""
        path = source.labels
        (first,), start, second = text.read_first_lines(path, 1, files, layout.longest_line)
        cells = first.split(b",")
        row_offset = 1
        if label_values.is_header(cells, layout.classes):
            label_values.check_header(cells, layout.classes, path)
            start, row_offset = second, 2
        if len(cells) not in (1, len(layout.classes)):
            raise InvalidData(
                f"{path} has {len(cells)} values a row where {len(layout.classes)} are expected, "
                f"one for each class ({', '.join(layout.classes)}). "
                "Set classes to those of your data."
            )
        most_rows = bound_rows(source.images, measure_file(source.images, files), layout)
        collected = LabelCollector(source, most_rows, row_offset)
        for begin, end in text.divide(path, start, files):
            first_range = begin == start
            blocks = text.read_blocks(path, begin, end, files, first_range, layout.longest_line)
            for block in blocks:
                for lines in text.split_block(block, MOST_BAD_ROWS):
                    collected.add(label_values.parse_text(lines, layout.classes, len(cells)))
        return collected.labels
