"""What is wrong with data, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN = 20
"""Problems a message lists; of the others it tells the number."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, or worth a warning.

    Attributes:
      path: the file, or the folder.
      row: 1-based, as an editor counts lines; of an array, as one counts images. 0: the whole file.
      column: 1-based value within the row; 0: the whole row.
      text: what was found, what was expected, and the remedy.
    """

    path: str
    row: int
    column: int
    text: str

    def __str__(self) -> str:
        place = self.path
        if self.row:
            place += f", row {self.row}"
        if self.column:
            place += f", column {self.column}"
        # A text about a whole file is a sentence that goes on from the file's name.
        return f"{place}: {self.text}" if self.row else f"{place} {self.text}"


@dataclass(frozen=True)
class Fault:
    """A problem of one row, before it is known which row of the file that is.

    Attributes:
      row: 0-based, within the rows that were read together.
      column, text: as of `Problem`.
    """

    row: int
    column: int
    text: str

    def at(self, path: str, first_row: int) -> Problem:
        """The problem, given the 1-based number in the file of the first of these rows."""
        return Problem(path, first_row + self.row, self.column, self.text)


def listed(problems: Sequence[Problem], heading: str) -> str:
    """One problem as a sentence, several as a list under a heading, capped."""
    if len(problems) == 1:
        return str(problems[0])
    lines = [heading, *(f"  {problem}" for problem in problems[:SHOWN])]
    if len(problems) > SHOWN:
        lines.append(f"  ... and {len(problems) - SHOWN:,} more, {len(problems):,} in all.")
    return "\n".join(lines)
