"""The interface of a format: files of one kind on one side, all other code on the other.

To add a format, write a class in a file beside this one, name it in
`data.reading.layout.FormatName` and register it in `data.reading.formats.FORMATS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.reading.input_files import InputFiles
from data.reading.layout import FormatName, Layout, Scale
from data.reading.problems import Fault, Problem


@dataclass(frozen=True)
class Source:
    """A file of images and the file of their labels.

    Attributes:
      split: "train" or "validation".
      images: path of the file of images.
      labels: path of the file of labels; the same path where one file holds both.
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
    """

    source: Source
    start: int
    end: int
    first: bool
    row_offset: int = 1
    scale: Scale = "unit"
    label_at: tuple[int, int] = (0, 0)


@dataclass
class Rows:
    """Consecutive rows of one chunk.

    Attributes:
      levels: uint8 [rows, pixels], zeros where a row is bad.
      faults: at most one for each row.
      labels: int64 [rows], -1 where bad; empty if the labels are in another file.
    """

    levels: NDArray[np.uint8]
    faults: list[Fault]
    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


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
        """

    @abstractmethod
    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """Divide a file after reading only its first bytes.

        Raises:
          InvalidData: the file cannot hold what it should.
        """

    @abstractmethod
    def count(self, chunk: Chunk, files: InputFiles) -> int:
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
