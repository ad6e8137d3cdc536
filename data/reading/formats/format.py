"""What a format is: the interface between files of one kind and everything else.

To add one, write a class in a file of its own beside this and name it in `formats.FORMATS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from data.reading.files import Files
from data.reading.layout import Layout
from data.reading.problems import Fault, Problem


@dataclass(frozen=True)
class Source:
    """A file of images, and where their labels are.

    Attributes:
      split: "train" or "validation".
      images: path of the file.
      labels: path of the file with the labels; the same path where one file holds both.
    """

    split: str
    images: str
    labels: str


@dataclass(frozen=True)
class Part:
    """Rows of one source that one worker reads.

    Attributes:
      source: the file.
      start, end: bytes of a text, rows of an array; what they mean is the format's business.
      first: whether it is the first part of its source.
      row_offset: number in the file, from 1, of the first row of data: 2 below a header.
      scale: how its grey levels are written, "unit" or "levels".
      label_at: columns of the label within a row, where one file holds both.
    """

    source: Source
    start: int
    end: int
    first: bool
    row_offset: int = 1
    scale: str = "unit"
    label_at: tuple[int, int] = (0, 0)


@dataclass
class Rows:
    """Consecutive rows of one part.

    Attributes:
      levels: uint8 [rows, pixels], zeros where a row is bad.
      faults: at most one a row.
      labels: int64 [rows], -1 where bad, if the labels are in the same file.
    """

    levels: np.ndarray
    faults: list[Fault]
    labels: np.ndarray | None = None


@dataclass
class Labels:
    """The labels of one source.

    Attributes:
      source: which.
      index: int64 [rows], -1 where a row is bad.
      problems: what is wrong, by row or of the whole file.
    """

    source: Source
    index: np.ndarray
    problems: list[Problem] = field(default_factory=list)


class Format(ABC):
    """Reads files of one kind. Without state, so that workers anywhere can use it."""

    name: str
    """As configuration and messages call it."""

    needs: str
    """What a data folder of this format holds, for people whose folder does not."""

    @abstractmethod
    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """Return (images, labels) paths of a split, of all paths relative to the data folder.

        Either of a pair may be missing from `names`; that the inventory reports.
        """

    @abstractmethod
    def plan(self, source: Source, layout: Layout, files: Files) -> list[Part]:
        """Divide a file, after a look at its first bytes only.

        Raises:
          InvalidData: it cannot be what it should.
        """

    @abstractmethod
    def count(self, part: Part, files: Files) -> int:
        """Return the number of rows of a part. Raises InvalidData as `read` does."""

    @abstractmethod
    def read(self, part: Part, layout: Layout, files: Files) -> Iterator[Rows]:
        """Yield the rows of a part in order, a few megabytes at a time.

        Raises:
          InvalidData: the file itself cannot be read on.
        """

    @abstractmethod
    def labels(self, source: Source, layout: Layout, files: Files) -> Labels | None:
        """Return all labels of a source, or None where they come with the rows.

        Raises:
          InvalidData: the file of labels cannot be read.
        """
