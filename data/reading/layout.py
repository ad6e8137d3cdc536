"""What a data set must look like, and which faults are tolerated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

# The formats are named here, apart from their readers, because --help must not wait for those.
FormatName = Literal["csv-pair", "csv", "npy", "npz", "idx", "image-folder", "voltages"]
"""Keys of `data.reading.formats.FORMATS`."""

FormatChoice = Literal["auto", FormatName]
"""A format, or "auto": the one that the names of the files show."""

Scale = Literal["unit", "levels"]
"""How grey levels are written: "unit" from 0 to 1, "levels" as whole numbers from 0 to 255."""

ScaleChoice = Literal["auto", Scale]
"""A scale, or "auto": the one that the first row shows."""

MOST_CELL_BYTES = 64
"""Bytes that a value in a line of text may take on average. Longer lines are refused unread."""

FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)


@dataclass(frozen=True)
class Layout:
    """What rows and labels mean.

    Attributes:
      classes: names in the order of the label columns; index i means `classes[i]`.
      height: pixels along time.
      width: pixels along frequency.
      label_column: column of the label where one file holds images and labels: "auto", "first",
        "last" or the name of a column in the header.
      values: how grey levels are written.
      resize: whether pictures of another size are resized.
      colour_map: Matplotlib's name of the colour map that pictures in colour were drawn with;
        empty to take their luma.
      needs_labels: whether a picture or a recording without a label is a bad row. Otherwise its
        label is -1.
    """

    classes: tuple[str, ...]
    height: int
    width: int
    label_column: str = "auto"
    values: ScaleChoice = "auto"
    resize: bool = True
    colour_map: str = ""
    needs_labels: bool = True

    @property
    def pixels(self) -> int:
        """Number of values in one spectrogram."""
        return self.height * self.width

    @property
    def longest_line(self) -> int:
        """Bytes of the longest line that a file of images or labels can have."""
        names = sum(len(name.encode()) for name in self.classes)
        return MOST_CELL_BYTES * (self.pixels + len(self.classes)) + names


@dataclass(frozen=True)
class Tolerance:
    """Which faults do not refuse the data.

    Attributes:
      max_bad_rows: up to this many bad rows are dropped.
      allow_duplicates: the same spectrogram may be in training and in validation.
    """

    max_bad_rows: int = 0
    allow_duplicates: bool = False


STRICT = Tolerance()


@dataclass(frozen=True)
class Division:
    """How data that have no validation part are divided into training and validation.

    Attributes:
      fraction: of the spectrograms of each class, for validation; 0 for data that are divided.
      seed: each seed gives another division.
    """

    fraction: float = 0.0
    seed: int = 0


DIVIDED = Division()
"""The data have a validation part."""
