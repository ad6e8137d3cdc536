"""The interface of a format: files of one kind on one side, all other code on the other.

To add a format, write a class in a file beside this one, name it in
`data.reading.layout.FormatName` and register it in `data.reading.formats.FORMATS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData, escape
from data.reading.input_files import InputFiles
from data.reading.layout import FormatName, Layout, Scale
from data.reading.problems import Fault, Problem

UNDIVIDED = ""
"""Stands for a split in `Format.find`: images that are in neither train/ nor validation/."""

MOST_BAD_ROWS = 50_000
"""Bad rows of a chunk, or bad labels of a file, after which it is not read any further."""

# Of deflate, the method of gzip and of .npz files: https://zlib.net/zlib_tech.html
_MOST_COMPRESSION = 1032


@dataclass(frozen=True)
class Source:
    """A file of images and the file of their labels, or a folder of pictures of one class.

    Attributes:
      split: one of `SPLITS`; "train" for data that are to be divided.
      images: path of the file of images, or of the folder of pictures.
      labels: path of the file of labels; the same path where one file holds both; of pictures, the
        folder whose folders are named after the classes.
    """

    split: str
    images: str
    labels: str


@dataclass(frozen=True)
class Chunk:
    """Rows of one source that one worker reads.

    Attributes:
      source: the file.
      start: first byte of a text, or first row of an array, as the format defines.
      end: the byte or row after the last one.
      first: whether this is the first chunk of its source.
      row_offset: 1-based number in the file of the first row of data: 2 below a header.
      scale: how its grey levels are written.
      label_at: first column of the label within a row, and the column after its last, where one
        file holds images and labels.
      names: where every row is a file of its own, the path of each below the source's folder.
        `start` and `end` are then the numbers of these rows.
    """

    source: Source
    start: int
    end: int
    first: bool
    row_offset: int = 1
    scale: Scale = "unit"
    label_at: tuple[int, int] = (0, 0)
    # Thousands of names would make chunks slow keys; a chunk is known by the others.
    names: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def locate(self, row: int) -> tuple[str, int]:
        """Return the file of a row, and its 1-based number there, given its number in the source.

        The numbers in the source count from 0.
        """
        if self.names:
            return f"{self.source.images}/{self.names[row - self.start]}", 1
        return self.source.images, self.row_offset + row

    def describe(self, row: int, text: str, column: int = 0) -> Problem:
        """Return a problem of a row, given its number in the source, from 0."""
        path, number = self.locate(row)
        single = bool(self.names)
        # The name of a picture may hold bytes that cannot be stored as text.
        return Problem(escape(path) if single else path, number, column, text, single)

    def select(self, rows: Sequence[int]) -> Chunk:
        """Return a chunk of some rows, where every row is a file of its own.

        Their numbers count from 0 within this chunk.
        """
        names = tuple(self.names[row] for row in rows)
        return replace(self, start=0, end=len(names), names=names)


@dataclass
class Rows:
    """Consecutive rows of one chunk.

    Attributes:
      levels: uint8 [rows, pixels], zeros where a row is bad.
      faults: at most one for each row.
      labels: int64 [rows], -1 where bad; empty if the labels are in another file.
      remarks: what was done with some rows, and with how many of them.
    """

    levels: NDArray[np.uint8]
    faults: list[Fault]
    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    remarks: dict[str, int] = field(default_factory=dict)


@dataclass
class Labels:
    """The labels of one source.

    Attributes:
      source: the files.
      index: int64 [rows], -1 where a row is bad.
      problems: what is wrong with rows or with the whole file.
    """

    source: Source
    index: NDArray[np.int64]
    problems: list[Problem] = field(default_factory=list)


class LabelCollector:
    """Joins the labels of one source, and refuses more than can belong to its images."""

    def __init__(self, source: Source, most_rows: int, row_offset: int = 1) -> None:
        """Constructs the collector.

        Args:
          source: the files.
          most_rows: number of images that the file of images can hold.
          row_offset: 1-based number in the file of the first label.
        """
        self._source = source
        self._most_rows = most_rows
        self._next_row = row_offset
        self._index = [np.zeros(0, np.int64)]
        self._problems: list[Problem] = []
        self._rows = 0

    def add(self, labels: tuple[NDArray[np.int64], list[Fault]]) -> None:
        """Add consecutive labels.

        Raises:
          InvalidData: there are too many of them, or too many bad ones.
        """
        index, faults = labels
        path = self._source.labels
        self._problems += [fault.locate(path, self._next_row) for fault in faults]
        self._index.append(index)
        self._next_row += len(index)
        self._rows += len(index)
        if len(self._problems) > MOST_BAD_ROWS:
            raise too_many_bad_rows(path)
        if self._rows > self._most_rows:
            raise InvalidData(
                f"{path} has more labels than {escape(self._source.images)} can hold images. "
                "Row n of one belongs to row n of the other, so both must have the same number."
            )

    @property
    def labels(self) -> Labels:
        """All labels."""
        return Labels(self._source, np.concatenate(self._index), self._problems)


def bound_rows(path: str, size: int, layout: Layout) -> int:
    """Return how many rows a file of images cannot exceed, bad ones included.

    Args:
      path: the file.
      size: bytes of the file, or of a part of it.
      layout: what the rows look like.
    """
    unpacked = size * _MOST_COMPRESSION if path.endswith((".gz", ".npz")) else size
    return MOST_BAD_ROWS + unpacked // layout.pixels


def too_many_bad_rows(path: str) -> InvalidData:
    """Return the error of a file that is not read to its end because of its bad rows."""
    return InvalidData(
        f"{path} has more than {MOST_BAD_ROWS:,} bad rows in one part, which is as far as it is "
        "read. Write it again."
    )


class Format(ABC):
    """Reads files of one kind. It has no state, so that workers anywhere can use it."""

    name: FormatName
    """Name of the format in configuration and messages."""

    needs: str
    """What a data folder of this format holds. Messages about unusable folders quote it."""

    @abstractmethod
    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """Return the (images, labels) paths of a split, out of all paths below the data folder.

        A path of a pair may be missing from `names`; the inventory reports it.

        Args:
          names: paths relative to the data folder, sorted.
          split: one of `SPLITS`, or `UNDIVIDED` for files of images of no split.
        """

    @abstractmethod
    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """Divide a file after reading only its first bytes.

        Raises:
          InvalidData: the file cannot hold what it should.
        """

    @abstractmethod
    def count(self, chunk: Chunk, layout: Layout, files: InputFiles) -> int:
        """Return the number of rows of a chunk. Raises InvalidData as `read` does."""

    @abstractmethod
    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """Yield the rows of a chunk in order, a few megabytes at a time.

        Raises:
          InvalidData: the rest of the file cannot be read.
        """

    @abstractmethod
    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> Labels | None:
        """Return all labels of a source, or None where they come with the rows.

        Raises:
          InvalidData: the file of labels cannot be read.
        """

    def read_labels_of(self, chunk: Chunk, layout: Layout, files: InputFiles) -> NDArray[np.int64]:
        """Return the labels of a chunk, where they come with the rows. Raises as `read` does."""
        labels = [rows.labels for rows in self.read(chunk, layout, files)]
        return np.concatenate([np.zeros(0, np.int64), *labels])
