"""Shuffles more rows than fit into memory, by spill files between readers and writers.

Every row has a position in the shuffled split, which the seed determines. A reader sorts its rows
by position before it spills them to a file. A writer needs the positions of one shard, so what it
needs from each spill file is one contiguous range of bytes. Beam's own grouping would hold all rows
in memory on the direct runner.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from data.reading.formats.format import Chunk
from data.storage import files

SPILL_FILE_BYTES = 64 << 20


@dataclass(frozen=True)
class SpillFile:
    """Consecutive rows of one source, written to a file in the order of their positions.

    Attributes:
      chunk: where the rows come from.
      path: file with uint8 [rows, pixels].
      positions: int64 [rows], ascending positions in the shuffled split.
      rows: int64 [rows], 0-based numbers in the source that they come from.
      labels: int64 [rows] class indices.
    """

    chunk: Chunk
    path: str
    positions: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True)
class ShuffledRows:
    """Rows in the order of their positions.

    Attributes:
      levels: uint8 [rows, pixels].
      labels: int64 [rows] class indices.
      places: the file of each row, relative to the data folder, and its number in that file,
        counted as `data.reading.problems` does.
    """

    levels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    places: list[tuple[str, int]]


@lru_cache(maxsize=4)
def draw_positions(rows: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the position of every row of a split, int64 [rows], the same for every worker."""
    return np.random.default_rng(seed).permutation(rows)


class SpillWriter:
    """Takes consecutive rows of a source in batches and writes them to spill files.

    A spill file is written as soon as there are enough rows for one. So no more than that is held
    in memory, even of a compressed file, which one worker reads from beginning to end.
    """

    def __init__(
        self, folder: str, chunk: Chunk, first_row: int, positions: npt.NDArray[np.int64]
    ) -> None:
        """Constructs the writer.

        Args:
          folder: folder for the spill files, which must exist.
          chunk: where the rows come from.
          first_row: 0-based number of the first row within its source.
          positions: int64, the positions of the rows. Further rows are dropped: if a file has
            more rows than were counted, it is damaged and the data will be refused.
        """
        self.files: list[SpillFile] = []
        self._folder = folder
        self._chunk = chunk
        self._row = first_row
        self._positions = positions
        self._levels: list[npt.NDArray[np.uint8]] = []
        self._labels: list[npt.NDArray[np.int64]] = []
        self._bytes = 0

    def add(self, levels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> None:
        """Add uint8 levels [rows, pixels] and their class indices [rows]."""
        self._levels.append(levels)
        self._labels.append(labels)
        self._bytes += levels.nbytes
        if self._bytes >= SPILL_FILE_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the rows that are still in memory."""
        if not self._levels:
            return
        levels, labels = np.concatenate(self._levels), np.concatenate(self._labels)
        count = len(levels)
        positions, self._positions = self._positions[:count], self._positions[count:]
        order = np.argsort(positions)
        # A new name each time, because Beam may run a bundle twice.
        path = files.join(self._folder, f"rows-{uuid.uuid4().hex}")
        with files.open_file(path, "wb") as file:
            file.write(levels[order].tobytes())
        self.files.append(
            SpillFile(self._chunk, path, positions[order], self._row + order, labels[order])
        )
        self._row += count
        self._levels, self._labels, self._bytes = [], [], 0


def read_shuffled_rows(
    spill_files: Sequence[SpillFile],
    first: int,
    end: int,
    pixels: int,
    choose: Callable[[str, npt.NDArray[np.int64]], npt.NDArray[np.bool_]],
    data_folder: str,
) -> ShuffledRows:
    """Read the rows with positions from `first` to before `end`, in the order of their positions.

    Args:
      spill_files: all spill files of one split, or of all data that are to be divided.
      first: first position.
      end: position after the last one.
      pixels: values of one row.
      choose: which rows to read, bool [rows], given the path of the images of their source and
        their 0-based numbers in it, int64 [rows].
      data_folder: the data folder.
    """
    positions, labels = ([np.zeros(0, np.int64)] for _ in range(2))
    levels = [np.zeros((0, pixels), np.uint8)]
    places: list[tuple[str, int]] = []
    for spill in spill_files:
        start, stop = np.searchsorted(spill.positions, (first, end)).tolist()
        if start == stop:
            continue
        with files.open_file(spill.path, "rb") as file:
            file.seek(start * pixels)
            content = file.read((stop - start) * pixels)
        kept = choose(spill.chunk.source.images, spill.rows[start:stop])
        levels.append(np.frombuffer(content, np.uint8).reshape(-1, pixels)[kept])
        positions.append(spill.positions[start:stop][kept])
        labels.append(spill.labels[start:stop][kept])
        for row in spill.rows[start:stop][kept].tolist():
            path, number = spill.chunk.locate(row)
            places.append((_strip_folder(data_folder, path), number))
    order = np.argsort(np.concatenate(positions))
    return ShuffledRows(
        levels=np.concatenate(levels)[order],
        labels=np.concatenate(labels)[order],
        places=[places[index] for index in order.tolist()],
    )


def _strip_folder(folder: str, path: str) -> str:
    # Copied data are stored with the same paths. Not os.path, because both may be addresses.
    return path.removeprefix(folder.rstrip("/") + "/")
