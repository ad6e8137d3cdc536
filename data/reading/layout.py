"""What a data set must look like, and how strictly it is taken."""

from __future__ import annotations

from dataclasses import dataclass

# Keys of `data.reading.formats.FORMATS`, here because --help must not wait for the readers.
FORMAT_NAMES = ("csv-pair", "csv", "npy", "npz", "idx")

# How grey levels are written: 0..1, or whole numbers 0..255. "auto" looks at the first row.
VALUES = ("auto", "unit", "levels")


@dataclass(frozen=True)
class Layout:
    """What rows and labels mean.

    Attributes:
      classes: names in the order of the label columns; index i means `classes[i]`.
      height, width: pixels along time and along frequency.
      label_column: where one file holds images and labels: "auto", "first", "last" or the name
        of a column in the header.
      values: one of `VALUES`.
    """

    classes: tuple[str, ...]
    height: int
    width: int
    label_column: str = "auto"
    values: str = "auto"

    @property
    def pixels(self) -> int:
        """Values of one spectrogram."""
        return self.height * self.width


@dataclass(frozen=True)
class Tolerance:
    """What is let pass.

    Attributes:
      max_bad_rows: drop up to so many bad rows instead of refusing the data.
      allow_duplicates: let the same spectrogram be in training and in validation.
    """

    max_bad_rows: int = 0
    allow_duplicates: bool = False


STRICT = Tolerance()
