"""Lists the files of a data folder, finds their format and divides them among workers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from data.invalid import InvalidData, escape
from data.reading.formats import FORMATS
from data.reading.formats.format import Chunk, Format, Source
from data.reading.input_files import LOCAL, InputFiles, is_compressed
from data.reading.layout import Layout
from data.reading.problems import Problem
from data.seed_layout import SPLITS

# Not more digits than a number in ML Metadata has.
_SPAN = re.compile(r"span-([0-9]{1,18})")

_NO_FOLDER = (
    "is no folder that can be read: it is a file, a folder without permission, or a symbolic link "
    "to nothing or to a folder that holds it. Replace it by the folder."
)

_NOT_UTF8 = "has a name that is not UTF-8, so it cannot be stored with the images. Rename it."


@dataclass(frozen=True)
class Inventory:
    """What there is to read.

    Attributes:
      folder: the data folder; the folder of one span if there are spans.
      span: number of the span; 0 if there are none.
      format: name of the format; empty if no files of a format were found.
      sources: files of images with their labels.
      chunks: their division, in the order of rows.
      problems: why some or all of it cannot be read.
    """

    folder: str
    span: int
    format: str
    sources: tuple[Source, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def reader(self) -> Format:
        """Reader of the format."""
        return FORMATS[self.format]

    @property
    def paths(self) -> list[str]:
        """All files, sorted."""
        return sorted({path for source in self.sources for path in (source.images, source.labels)})

    @property
    def streams(self) -> list[str]:
        """Compressed files of images, each of which a single worker must read."""
        return [source.images for source in self.sources if is_compressed(source.images)]


def take_inventory(
    folder: str,
    layout: Layout,
    format_name: str = "auto",
    span: int | None = None,
    files: InputFiles = LOCAL,
) -> Inventory:
    """Look at names, sizes and first bytes, which is quick however large the data are.

    Args:
      folder: the data folder, or a folder that holds span-1/, span-2/ and so on.
      layout: what the data must look like.
      format_name: a key of `FORMATS`, or "auto" to choose by the names of the files.
      span: the span to read; None for the newest.
      files: where the files come from.

    Raises:
      InvalidData: the folder or the span does not exist.
    """
    if not _is_utf8(folder):
        raise InvalidData(f"{escape(folder)} {_NOT_UTF8}")
    folder, span, names = find_span(folder, span, files)
    false_folders = [
        Problem(os.path.join(folder, split), 0, 0, _NO_FOLDER) for split in SPLITS if split in names
    ]
    if false_folders:
        return Inventory(folder, span, "", problems=tuple(false_folders))
    candidates = FORMATS.values() if format_name == "auto" else [FORMATS[format_name]]
    matches = [
        reader for reader in candidates if any(reader.find(names, split) for split in SPLITS)
    ]
    if len(matches) > 1:
        formats = " and ".join(reader.name for reader in matches)
        text = f"holds files of more than one format: {formats}. Set input.format to one of them."
        return Inventory(folder, span, "", problems=(Problem(folder, 0, 0, text),))
    if not matches:
        needs = "\n".join(f"  {reader.name:<9} {reader.needs}" for reader in candidates)
        text = f"holds no data in a format that can be read. A data folder holds\n{needs}"
        return Inventory(folder, span, "", problems=(Problem(folder, 0, 0, text),))
    return _plan(folder, span, matches[0], names, layout, files)


def find_span(folder: str, span: int | None, files: InputFiles) -> tuple[str, int, list[str]]:
    """Return the folder of the span to read, its number, and the paths of the files in it.

    Raises:
      InvalidData: the folder or the span does not exist.
    """
    names = _list_names(folder, files)
    spans = {
        int(match[1]): match[0]
        for match in (_SPAN.fullmatch(name.partition("/")[0]) for name in names)
        if match
    }
    if not spans and span is not None:
        raise InvalidData(
            f"{escape(folder)} has no spans: it holds no folders named span-1, span-2, ..."
        )
    if not spans:
        return folder, 0, names
    number = max(spans) if span is None else span
    if number not in spans:
        known = ", ".join(str(known) for known in sorted(spans))
        raise InvalidData(f"{escape(folder)} has no span {number}. Its spans: {known}.")
    if spans[number] in names:
        raise InvalidData(f"{os.path.join(folder, spans[number])} {_NO_FOLDER}")
    prefix = f"{spans[number]}/"
    below = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return os.path.join(folder, spans[number]), number, below


def _list_names(folder: str, files: InputFiles) -> list[str]:
    try:
        return files.names(folder)
    except FileNotFoundError:
        raise InvalidData(
            f"The data folder {escape(folder)} does not exist. Give a folder that holds train/ and "
            "validation/, or make one with: radio-signals data simulate DIR"
        ) from None
    except OSError as error:
        raise InvalidData(
            f"The data folder {escape(folder)} cannot be read: {error.strerror or error}."
        ) from None


def _is_utf8(path: str) -> bool:
    """Return whether the name of a file is text. Python represents other bytes by surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


def _plan(
    folder: str,
    span: int,
    reader: Format,
    names: Sequence[str],
    layout: Layout,
    files: InputFiles,
) -> Inventory:
    sources: list[Source] = []
    chunks: list[Chunk] = []
    problems: list[Problem] = []
    text = f"is missing. A data folder of this format holds {reader.needs}."
    for split in SPLITS:
        pairs = reader.find(names, split)
        if not pairs:
            problems.append(Problem(os.path.join(folder, split), 0, 0, text))
        for images, labels in pairs:
            unusable = [
                Problem(escape(os.path.join(folder, name)), 0, 0, _NOT_UTF8)
                if not _is_utf8(name)
                else Problem(os.path.join(folder, name), 0, 0, text)
                for name in dict.fromkeys((images, labels))
                if name not in names or not _is_utf8(name)
            ]
            if unusable:
                problems += unusable
                continue
            source = Source(split, os.path.join(folder, images), os.path.join(folder, labels))
            sources.append(source)
            try:
                chunks += reader.plan(source, layout, files)
            except InvalidData as error:
                problems.append(convert_error(error, source.images))
    return Inventory(folder, span, reader.name, tuple(sources), tuple(chunks), tuple(problems))


def convert_error(error: InvalidData, path: str) -> Problem:
    """Return the error of a whole file as a problem, without the path that it begins with."""
    message = str(error).removeprefix(str(InvalidData(path)))
    return Problem(path, 0, 0, message.removeprefix(":").strip())
