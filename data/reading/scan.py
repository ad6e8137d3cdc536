"""Reads one chunk of the data and finds everything that is wrong with its rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.formats import FORMATS
from data.reading.formats.format import (
    MOST_BAD_ROWS,
    Chunk,
    Labels,
    Rows,
    Source,
    too_many_bad_rows,
)
from data.reading.input_files import InputFiles
from data.reading.inventory import convert_error
from data.reading.labels import BAD
from data.reading.layout import Layout
from data.reading.problems import Fault, Problem

_DIGEST_BYTES = 8
"""Two of a million different images share such a digest with a probability of 3 in 100 million."""

Sink = Callable[[NDArray[np.uint8], NDArray[np.int64]], None]
"""Takes grey levels [rows, pixels] and their class indices [rows], block after block."""


@dataclass
class Scan:
    """A chunk that has been read.

    Attributes:
      chunk: what was read.
      first_row: 0-based number of its first row within its source.
      labels: int64 [rows] class indices, -1 where the label is bad or missing.
      digests: uint64 [rows], equal where spectrograms are equal.
      faults: of its rows, numbered within the chunk, at most one for each row.
      remarks: what was done with some rows, and with how many of them.
      broken: what prevents the file from being read to its end, if anything does.
    """

    chunk: Chunk
    first_row: int
    labels: NDArray[np.int64]
    digests: NDArray[np.uint64]
    faults: list[Fault] = field(default_factory=list)
    remarks: Mapping[str, int] = field(default_factory=dict)
    broken: Problem | None = None

    def describe(self, row: int, text: str, column: int = 0) -> Problem:
        """Return a problem of a row of this chunk, whose number counts from 0."""
        return self.chunk.describe(self.first_row + row, text, column)

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Whether each row has a fault, bool [rows]."""
        bad = np.zeros(len(self.labels), bool)
        bad[[fault.row for fault in self.faults]] = True
        return bad


def count_rows(chunk: Chunk, format_name: str, layout: Layout, files: InputFiles) -> int:
    """Return the number of rows of a chunk, or 0 if the file cannot be read."""
    try:
        return FORMATS[format_name].count(chunk, layout, files)
    except InvalidData:
        return 0  # Reading the chunk will fail at the same place and say why.


def read_labels(
    source: Source, format_name: str, layout: Layout, files: InputFiles
) -> Labels | None:
    """Return the labels of a source, or None where they come with the rows."""
    try:
        return FORMATS[format_name].read_labels(source, layout, files)
    except InvalidData as error:
        return Labels(source, np.zeros(0, np.int64), [convert_error(error, source.labels)])


def scan_chunk(
    chunk: Chunk,
    format_name: str,
    first_row: int,
    labels: Labels | None,
    layout: Layout,
    files: InputFiles,
    sink: Sink | None = None,
) -> Scan:
    """Read a chunk and record what the verdict needs.

    Args:
      chunk: what to read.
      format_name: a key of `FORMATS`.
      first_row: number of rows of the same source before it.
      labels: those of its source, or None where they come with the rows.
      layout: what the data must look like.
      files: where the files come from.
      sink: receives all rows, including bad ones, in order.
    """
    scan = Scan(chunk, first_row, np.zeros(0, np.int64), np.zeros(0, np.uint64))
    all_labels: list[NDArray[np.int64]] = []
    all_digests: list[NDArray[np.uint64]] = []
    remarks: Counter[str] = Counter()
    done = 0
    try:
        for rows in FORMATS[format_name].read(chunk, layout, files):
            index = _select_labels(rows, labels, first_row + done)
            faults = rows.faults + find_constant(rows, layout)
            scan.faults += [replace(fault, row=done + fault.row) for fault in faults]
            remarks.update(rows.remarks)
            all_digests.append(_compute_digests(rows.levels))
            all_labels.append(index)
            if sink is not None:
                sink(rows.levels, index)
            done += len(rows.levels)
            if len(scan.faults) > MOST_BAD_ROWS:
                raise too_many_bad_rows(chunk.source.images)
    except InvalidData as error:
        scan.broken = convert_error(error, chunk.source.images)
    scan.remarks = remarks
    if done:
        scan.labels, scan.digests = np.concatenate(all_labels), np.concatenate(all_digests)
    return scan


def _select_labels(rows: Rows, labels: Labels | None, start: int) -> NDArray[np.int64]:
    """Return the labels of rows, `BAD` where the source has fewer labels than rows."""
    count = len(rows.levels)
    index = rows.labels if labels is None else labels.index[start : start + count]
    return np.pad(index, (0, count - len(index)), constant_values=BAD)


def find_constant(rows: Rows, layout: Layout) -> list[Fault]:
    """Return a fault for each image, of those without one, whose values are all the same."""
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


def _compute_digests(levels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    digests = b"".join(hashlib.blake2b(row, digest_size=_DIGEST_BYTES).digest() for row in levels)
    return np.frombuffer(digests, np.uint64)
