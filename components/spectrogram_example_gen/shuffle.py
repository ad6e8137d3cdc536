"""Shuffling more rows than fit in memory: readers put them down, writers pick theirs up.

Every row has a place in the shuffled split, fixed by the seed. A reader sorts its rows by their
places before it puts them down in a file, so what a writer wants of it, the places of one shard,
is one stretch of bytes. Beam's own grouping would hold all rows in memory on the direct runner.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import tensorflow as tf

from data.reading.formats.format import Part

PILE_BYTES = 64 << 20


@dataclass(frozen=True)
class Pile:
    """Consecutive rows of one source, put down in the order of their places.

    Attributes:
      split, images: which they belong to, and the file that they are from.
      path: file with uint8 [rows, pixels].
      places: int64 [rows], ascending.
      rows: int64 [rows] 0-based numbers in the file that they are from.
      row_offset: what to add to them for the number that people count by.
      labels: int64 [rows] class indices.
    """

    split: str
    images: str
    path: str
    places: np.ndarray
    rows: np.ndarray
    row_offset: int
    labels: np.ndarray


@dataclass(frozen=True)
class PickedUp:
    """Rows in the order of their places.

    Attributes:
      levels: uint8 [rows, pixels].
      labels: int64 [rows] class indices.
      files: str [rows], the file that each is from, below the data folder.
      rows: int64 [rows] numbers there, as people count them (`data.reading.problems`).
    """

    levels: np.ndarray
    labels: np.ndarray
    files: np.ndarray
    rows: np.ndarray


@lru_cache(maxsize=4)
def places_of(rows: int, seed: int) -> np.ndarray:
    """The place of every row of a split, int64 [rows]: the same for every worker."""
    return np.random.default_rng(seed).permutation(rows)


class PuttingDown:
    """Takes consecutive rows of a source, block after block, and puts them down in piles.

    A pile is written whenever there is enough for one, so that even of a compressed file, which
    one worker reads from end to end, no more is held in memory.
    """

    def __init__(self, folder: str, part: Part, first_row: int, places: np.ndarray):
        """Constructs it.

        Args:
          folder: where writers will find the piles; it exists.
          part: where the rows are from.
          first_row: 0-based number in its source of the first of them.
          places: int64, of the rows to come. Rows beyond these are let go: a file that has more
            rows than were counted is damaged, and the data will be refused.
        """
        self.piles: list[Pile] = []
        self._folder = folder
        self._part = part
        self._row = first_row
        self._places = places
        self._levels: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []
        self._bytes = 0

    def take(self, levels: np.ndarray, labels: np.ndarray) -> None:
        """Take uint8 levels [rows, pixels] and their class indices [rows]."""
        self._levels.append(levels)
        self._labels.append(labels)
        self._bytes += levels.nbytes
        if self._bytes >= PILE_BYTES:
            self.finish()

    def finish(self) -> None:
        """Put down what is left."""
        if not self._levels:
            return
        levels, labels = np.concatenate(self._levels), np.concatenate(self._labels)
        places, self._places = self._places[: len(levels)], self._places[len(levels) :]
        order = np.argsort(places)
        # A name of its own each time: Beam may run a bundle twice.
        path = os.path.join(self._folder, f"rows-{uuid.uuid4().hex}")
        with tf.io.gfile.GFile(path, "wb") as file:
            file.write(levels[order].tobytes())
        self.piles.append(
            Pile(
                self._part.source.split,
                self._part.source.images,
                path,
                places[order],
                self._row + order,
                self._part.row_offset,
                labels[order],
            )
        )
        self._row += len(levels)
        self._levels, self._labels, self._bytes = [], [], 0


def pick_up(
    piles: Sequence[Pile],
    first: int,
    end: int,
    pixels: int,
    left_out: Mapping[str, Set[int]],
    data: str,
) -> PickedUp:
    """Read the rows with places from `first` to before `end`, in the order of their places.

    Args:
      piles: of one split.
      first, end: places.
      pixels: values a row.
      left_out: rows that are not wanted, by the file that they are from.
      data: the data folder.
    """
    places, rows, labels = ([np.zeros(0, np.int64)] for _ in range(3))
    levels, files = [np.zeros((0, pixels), np.uint8)], [np.zeros(0, object)]
    for pile in piles:
        start, stop = np.searchsorted(pile.places, (first, end)).tolist()
        if start == stop:
            continue
        with tf.io.gfile.GFile(pile.path, "rb") as file:
            file.seek(start * pixels)
            content = file.read((stop - start) * pixels)
        unwanted = np.array(sorted(left_out.get(pile.images, ())), int)
        wanted = ~np.isin(pile.rows[start:stop], unwanted)
        levels.append(np.frombuffer(content, np.uint8).reshape(-1, pixels)[wanted])
        places.append(pile.places[start:stop][wanted])
        labels.append(pile.labels[start:stop][wanted])
        rows.append(pile.rows[start:stop][wanted] + pile.row_offset)
        files.append(np.full(len(places[-1]), _below(data, pile.images), object))
    order = np.argsort(np.concatenate(places))
    return PickedUp(*(np.concatenate(found)[order] for found in (levels, labels, files, rows)))


def _below(folder: str, path: str) -> str:
    # So that copied data are stored as they were. Not os.path: either may be an address.
    return path.removeprefix(folder.rstrip("/") + "/")
