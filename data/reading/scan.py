"""What one part of the data holds, and everything that is wrong with its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from data.invalid import InvalidData
from data.reading.files import Files
from data.reading.formats import FORMATS
from data.reading.formats.format import Labels, Part, Rows, Source
from data.reading.inventory import as_problem
from data.reading.labels import BAD
from data.reading.layout import Layout
from data.reading.problems import Fault, Problem

_DIGEST_BYTES = 8
"""Two of a million different images share such a digest with a probability of 3 in 100 million."""

Sink = Callable[[np.ndarray, np.ndarray], None]
"""Takes uint8 levels [rows, pixels] and their class indices [rows], block after block."""


@dataclass
class Scan:
    """One part, read.

    Attributes:
      part: which.
      first_row: 0-based number of its first row within its source.
      labels: int64 [rows] class indices, -1 where the label is bad or missing.
      digests: uint64 [rows], equal where spectrograms are equal.
      problems: of its rows, one a row; `Problem.row` tells which.
      broken: what keeps the file from being read to its end, if anything does.
    """

    part: Part
    first_row: int
    labels: np.ndarray
    digests: np.ndarray
    problems: list[Problem] = field(default_factory=list)
    broken: Problem | None = None

    def number_in_file(self, row: np.ndarray | int):
        """The number in the file, from 1, of a row of this part, from 0."""
        return self.part.row_offset + self.first_row + row

    @property
    def bad(self) -> np.ndarray:
        """Whether a row of this part has a problem, bool [rows]."""
        bad = np.zeros(len(self.labels), bool)
        bad[[problem.row - self.number_in_file(0) for problem in self.problems]] = True
        return bad


def count_rows(part: Part, format_name: str, files: Files) -> int:
    """Return the number of rows of a part; of a file that cannot be read, 0."""
    try:
        return FORMATS[format_name].count(part, files)
    except InvalidData:
        return 0  # Reading it will fail at the same place and tell why.


def read_labels(source: Source, format_name: str, layout: Layout, files: Files) -> Labels | None:
    """Return the labels of a source, or None where they come with the rows."""
    try:
        return FORMATS[format_name].labels(source, layout, files)
    except InvalidData as error:
        return Labels(source, np.zeros(0, np.int64), [as_problem(error, source.labels)])


def scan_part(
    part: Part,
    format_name: str,
    first_row: int,
    labels: Labels | None,
    layout: Layout,
    files: Files,
    sink: Sink | None = None,
) -> Scan:
    """Read a part, and note what later verdicts need.

    Args:
      part: which.
      format_name: a key of `FORMATS`.
      first_row: number of rows of the same source before it.
      labels: those of its source, or None where they come with the rows.
      layout: what the data must look like.
      files: where they come from.
      sink: receives the rows, bad ones included, in order.
    """
    scan = Scan(part, first_row, np.zeros(0, np.int64), np.zeros(0, np.uint64))
    all_labels, all_digests, done = [], [], 0
    try:
        for rows in FORMATS[format_name].read(part, layout, files):
            start = first_row + done
            index = rows.labels if labels is None else _slice(labels.index, start, len(rows.levels))
            faults = rows.faults + _constant(rows, layout)
            at = scan.number_in_file(done)
            scan.problems += [fault.at(part.source.images, at) for fault in faults]
            all_digests.append(_digests(rows.levels))
            all_labels.append(index)
            if sink is not None:
                sink(rows.levels, index)
            done += len(rows.levels)
    except InvalidData as error:
        scan.broken = as_problem(error, part.source.images)
    if done:
        scan.labels, scan.digests = np.concatenate(all_labels), np.concatenate(all_digests)
    return scan


def _slice(index: np.ndarray, start: int, count: int) -> np.ndarray:
    """Labels of some rows; BAD where there are fewer labels than rows."""
    found = index[start : start + count]
    return np.pad(found, (0, count - len(found)), constant_values=BAD)


def _constant(rows: Rows, layout: Layout) -> list[Fault]:
    same = rows.levels.max(axis=1) == rows.levels.min(axis=1)
    same[[fault.row for fault in rows.faults]] = False
    return [
        Fault(
            row,
            0,
            f"all {layout.pixels:,} values are {rows.levels[row, 0] / 255:.6f}: a constant image "
            "holds no signal and no noise. Remove it.",
        )
        for row in np.flatnonzero(same).tolist()
    ]


def _digests(levels: np.ndarray) -> np.ndarray:
    digests = b"".join(hashlib.blake2b(row, digest_size=_DIGEST_BYTES).digest() for row in levels)
    return np.frombuffer(digests, np.uint64)
