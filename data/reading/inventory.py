"""Which files a data folder holds, in which format, and how they are divided among workers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from data.invalid import InvalidData
from data.reading.files import LOCAL, Files, is_compressed
from data.reading.formats import FORMATS
from data.reading.formats.format import Format, Part, Source
from data.reading.layout import Layout
from data.reading.problems import Problem
from data.seed_layout import SPLITS

AUTO = "auto"

_SPAN = re.compile(r"span-(\d+)")


@dataclass(frozen=True)
class Inventory:
    """What there is to read.

    Attributes:
      folder: the data folder, of one span if there are spans.
      span: its number, 0 where there are none.
      format: name of the format, empty where none was found.
      sources: files of images with their labels.
      parts: their division, in the order of rows.
      problems: why some or all of it cannot be read.
    """

    folder: str
    span: int
    format: str
    sources: tuple[Source, ...] = ()
    parts: tuple[Part, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def reader(self) -> Format:
        """What reads the format."""
        return FORMATS[self.format]

    @property
    def paths(self) -> list[str]:
        """All files, sorted."""
        return sorted({path for source in self.sources for path in (source.images, source.labels)})

    @property
    def streams(self) -> list[str]:
        """Compressed files of images, each of which one worker must read alone."""
        return [source.images for source in self.sources if is_compressed(source.images)]


def take_inventory(
    folder: str,
    layout: Layout,
    format_name: str = AUTO,
    span: int | None = None,
    files: Files = LOCAL,
) -> Inventory:
    """Look at names, sizes and first bytes; quick, whatever the size of the data.

    Args:
      folder: the data folder, or one that holds span-1/, span-2/ and so on.
      layout: what the data must look like.
      format_name: a key of `FORMATS`, or "auto" to go by the names of the files.
      span: which span to read; None for the newest.
      files: where they come from.

    Raises:
      InvalidData: there is no such folder, or no such span.
    """
    folder, span, names = find_span(folder, span, files)
    candidates = FORMATS.values() if format_name == AUTO else [FORMATS[format_name]]
    held = [reader for reader in candidates if any(reader.find(names, split) for split in SPLITS)]
    if len(held) > 1:
        kinds = " and ".join(reader.name for reader in held)
        problem = f"holds files of more than one format: {kinds}. Set input.format to one of them."
        return Inventory(folder, span, "", problems=(Problem(folder, 0, 0, problem),))
    if not held:
        needs = "\n".join(f"  {reader.name:<9} {reader.needs}" for reader in candidates)
        problem = f"holds no data in a format that can be read. A data folder holds\n{needs}"
        return Inventory(folder, span, "", problems=(Problem(folder, 0, 0, problem),))
    return _plan(folder, span, held[0], names, layout, files)


def find_span(folder: str, span: int | None, files: Files) -> tuple[str, int, list[str]]:
    """Return the folder of the span to read, its number, and the names of the files there.

    Raises:
      InvalidData: there is no such folder, or no such span.
    """
    names = _names(folder, files)
    numbers = {
        int(match[1]): match[0]
        for match in (_SPAN.fullmatch(name.partition("/")[0]) for name in names)
        if match
    }
    if not numbers and span is not None:
        raise InvalidData(f"{folder} has no spans: it holds no folders named span-1, span-2, ...")
    if not numbers:
        return folder, 0, names
    number = max(numbers) if span is None else span
    if number not in numbers:
        listed = ", ".join(str(known) for known in sorted(numbers))
        raise InvalidData(f"{folder} has no span {number}. Its spans: {listed}.")
    prefix = f"{numbers[number]}/"
    below = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return os.path.join(folder, numbers[number]), number, below


def _names(folder: str, files: Files) -> list[str]:
    try:
        return files.names(folder)
    except FileNotFoundError:
        raise InvalidData(
            f"The data folder {folder} does not exist. Give a folder that holds train/ and "
            "validation/, or make one with: radio-signals data simulate DIR"
        ) from None
    except OSError as error:
        raise InvalidData(
            f"The data folder {folder} cannot be read: {error.strerror or error}."
        ) from None


def _plan(
    folder: str,
    span: int,
    reader: Format,
    names: Sequence[str],
    layout: Layout,
    files: Files,
) -> Inventory:
    sources, parts, problems = [], [], []
    holds = f"A data folder of this format holds {reader.needs}."
    for split in SPLITS:
        found = reader.find(names, split)
        if not found:
            problems.append(Problem(os.path.join(folder, split), 0, 0, f"is missing. {holds}"))
        for pair in found:
            missing = [name for name in dict.fromkeys(pair) if name not in names]
            for name in missing:
                problems.append(Problem(os.path.join(folder, name), 0, 0, f"is missing. {holds}"))
            if missing:
                continue
            source = Source(split, *(os.path.join(folder, name) for name in pair))
            sources.append(source)
            try:
                parts += reader.plan(source, layout, files)
            except InvalidData as error:
                problems.append(as_problem(error, source.images))
    return Inventory(folder, span, reader.name, tuple(sources), tuple(parts), tuple(problems))


def as_problem(error: InvalidData, path: str) -> Problem:
    """A whole file's error as a problem. Errors begin with the path."""
    return Problem(path, 0, 0, str(error).removeprefix(path).removeprefix(":").strip())
