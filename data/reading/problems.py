"""What is wrong with data, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data.invalid import escape

MOST_LISTED = 20
"""Number of problems that a message lists. It only counts the others."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, or worth a warning.

    Attributes:
      path: the file or folder.
      row: 1-based line of the file; of an array, 1-based image; 0 for the whole file.
      column: 1-based value within the row; 0 for the whole row.
      text: what was found, what was expected, and the remedy.
      single: whether the file holds only this row, as a picture does. Its number is not shown.
    """

    path: str
    row: int
    column: int
    text: str
    single: bool = False

    def __str__(self) -> str:
        place = name_row(self.path, self.row, self.single)
        if self.column:
            place += f", column {self.column}"
        # A text about a whole file continues the sentence that the path begins.
        return f"{place}: {self.text}" if self.row else f"{place} {self.text}"


def name_row(path: str, row: int, single: bool) -> str:
    """Return the place of a row for a message; see `Problem`."""
    return escape(path) if single or not row else f"{escape(path)}, row {row}"


@dataclass(frozen=True)
class Fault:
    """A problem of one row whose number in the file is not yet known.

    Attributes:
      row: 0-based, within the rows that were read together.
      column: as of `Problem`.
      text: as of `Problem`.
    """

    row: int
    column: int
    text: str

    def locate(self, path: str, first_row: int) -> Problem:
        """Return the problem, given the 1-based number in the file of the first of these rows."""
        return Problem(path, first_row + self.row, self.column, self.text)


def list_problems(problems: Sequence[Problem], heading: str) -> str:
    """Return one problem as a sentence, or the first `MOST_LISTED` as a list under a heading."""
    if len(problems) == 1:
        return str(problems[0])
    lines = [heading, *(f"  {problem}" for problem in problems[:MOST_LISTED])]
    if len(problems) > MOST_LISTED:
        lines.append(f"  ... and {len(problems) - MOST_LISTED:,} more, {len(problems):,} in all.")
    return "\n".join(lines)
