"""What an unfinished scan has found, in a file beside the table: a killed scan goes on from there.

    {"scan": {...}}                               what is scanned, with which model and how
    {"observation": 0, "tile": 511, "candidates": [...]}       after each batch of tiles

A line is appended when its tiles are done, so that at most one line is cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from data.invalid import InvalidData
from data.placement import locking
from data.reading.input_files import is_remote
from pipeline.classify.observations.candidates import Candidate

ENDING = ".unfinished"

Scan = Mapping[str, Any]
"""What must be the same for a scan to go on, as JSON holds it."""


class ProgressFile:
    """The file of one scan.

    Attributes:
      done: by number of the observation, the last tile that is done.
      candidates: those that were found, by number of the observation.
    """

    def __init__(self, file: IO[str] | None) -> None:
        self._file = file
        self.done: dict[int, int] = {}
        self.candidates: dict[int, list[Candidate]] = {}

    def add(self, observation: int, tile: int, candidates: Sequence[Candidate]) -> None:
        """Note that all tiles of an observation up to one are done, and what was found."""
        self.done[observation] = tile
        self.candidates.setdefault(observation, []).extend(candidates)
        if self._file is not None:
            rows = [asdict(candidate) for candidate in candidates]
            line = {"observation": observation, "tile": tile, "candidates": rows}
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def replay(self, line: Mapping[str, Any]) -> None:
        """Take over what a line of the file says."""
        file, self._file = self._file, None
        candidates = [Candidate(**candidate) for candidate in line["candidates"]]
        self.add(line["observation"], line["tile"], candidates)
        self._file = file


@contextmanager
def keeping_progress(output: str | None, scan: Scan) -> Iterator[ProgressFile]:
    """Open the file of a scan, and remove it when the block has ended without an exception.

    Args:
      output: the table that is to be written. No file is kept for standard output, which is None,
        or for a table in a bucket.
      scan: what is scanned.

    Raises:
      InvalidData: the file belongs to another scan, or another process is writing it.
    """
    if output is None or is_remote(output):
        yield ProgressFile(None)
        return
    path = output + ENDING
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    busy = f"Another process is writing to {path}. Wait for it, or choose another --output."
    with open(path, "a+", encoding="utf-8") as file, locking(Path(path), busy):
        yield _read(file, path, json.loads(json.dumps(scan)))
        os.remove(path)


def _read(file: IO[str], path: str, scan: Scan) -> ProgressFile:
    """Read the lines of a file, and remove what a killed process did not write to its end."""
    progress = ProgressFile(file)
    file.seek(0)
    lines = list(_read_lines(file))
    if lines:
        _refuse_other(lines[0].get("scan"), scan, path)
        for line in lines[1:]:
            progress.replay(line)
    else:
        file.write(json.dumps({"scan": scan}) + "\n")
        file.flush()
    return progress


def _read_lines(file: IO[str]) -> Iterator[dict[str, Any]]:
    """Yield the whole lines; cut the file where they end."""
    end = file.tell()
    while line := file.readline():
        try:
            content = json.loads(line) if line.endswith("\n") else None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            break
        yield content
        end = file.tell()
    file.seek(end)
    file.truncate()


def _refuse_other(stored: Any, scan: Scan, path: str) -> None:
    if stored == scan:
        return
    stored = stored if isinstance(stored, dict) else {}
    different = [name for name in scan if stored.get(name) != scan[name]]
    raise InvalidData(
        f"{path} belongs to a scan with another {' and another '.join(different)}. Remove it, or "
        "choose another --output."
    )
