"""Two CSV files side by side, as the published set has them: images, and one label a row.

SPLIT/images.csv  SPLIT/labels.csv
SPLIT/images-*.csv  SPLIT/labels-*.csv     in as many pairs as there are
either gzipped, with .gz behind its name; either with or without a header
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from data.invalid import InvalidData
from data.reading import labels as label_values
from data.reading import text
from data.reading.cells import parse_levels
from data.reading.files import Files
from data.reading.formats import naming
from data.reading.formats.csv_text import CsvFormat, read_head, scale_of, wrong_width
from data.reading.formats.format import Labels, Part, Rows, Source
from data.reading.layout import Layout
from data.reading.problems import Fault


class PairedCsv(CsvFormat):
    """images.csv and labels.csv."""

    name = "csv-pair"
    needs = "images.csv and labels.csv in each of train/ and validation/"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        return naming.pairs(names, split, "csv", (".gz",))

    def plan(self, source: Source, layout: Layout, files: Files) -> list[Part]:
        """See `Format`."""
        head = read_head(source.images, files)
        if head.widths and layout.pixels not in head.widths:
            raise InvalidData(wrong_width(source.images, head.widths[0], layout))
        return self._parts(source, head, scale_of(head.row, layout), files, (0, 0))

    def read(self, part: Part, layout: Layout, files: Files) -> Iterator[Rows]:
        """See `Format`."""
        for lines, cut in self._blocks(part, files):
            levels, faults = parse_levels(lines, layout.pixels, part.scale)
            if cut:
                last = len(levels) - 1
                faults = [fault for fault in faults if fault.row != last] + [Fault(last, 0, cut)]
            yield Rows(levels, faults)

    def labels(self, source: Source, layout: Layout, files: Files) -> Labels:
        """See `Format`."""
        path = source.labels
        (first,), start, second = text.first_lines(path, 1, files)
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
        lines = b"".join(
            block
            for at, end in text.ranges(path, start, files)
            for block in text.line_blocks(path, at, end, files, first=at == start)
        )
        if not lines:
            return Labels(source, np.zeros(0, np.int64))
        index, faults = label_values.from_text(lines, layout.classes)
        return Labels(source, index, [fault.at(path, row_offset) for fault in faults])
