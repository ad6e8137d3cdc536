"""Lists the files of a data folder, finds their format and divides them among workers."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from data.invalid import InvalidData, escape
from data.reading.formats import FORMATS
from data.reading.formats.format import UNDIVIDED, Chunk, Format, Source
from data.reading.input_files import LOCAL, InputFiles, is_compressed, is_utf8
from data.reading.layout import DIVIDED, Division, Layout
from data.reading.problems import Problem
from data.seed_layout import SPLITS, TEST, TRAIN, VALIDATION

# Not more digits than a number in ML Metadata has.
_SPAN = re.compile(r"span-([0-9]{1,18})")

_NO_FOLDER = (
    "is no folder that can be read: it is a file, a folder without permission, or a symbolic link "
    "to nothing or to a folder that holds it. Replace it by the folder."
)

_MISSING = "is missing. A data folder of this format holds {}."

_REMEDY = "--validation-fraction 0.2"

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
      division: how the rows are divided into training and validation, if the files are not.
      validation_rows: then the rows for validation, as in `Findings`, once they are known.
    """

    folder: str
    span: int
    format: str
    sources: tuple[Source, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    problems: tuple[Problem, ...] = ()
    division: Division = DIVIDED
    validation_rows: Mapping[str, Sequence[int]] | None = field(default=None, compare=False)

    @property
    def splits(self) -> tuple[str, ...]:
        """Training, validation and, if there are files for it, test."""
        has_test = any(source.split == TEST for source in self.sources)
        return SPLITS if has_test else (TRAIN, VALIDATION)

    @property
    def reader(self) -> Format:
        """Reader of the format."""
        return FORMATS[self.format]

    @property
    def paths(self) -> list[str]:
        """All files, sorted."""
        rows = (f"{chunk.source.images}/{name}" for chunk in self.chunks for name in chunk.names)
        return sorted({*self._tables, *rows})

    @property
    def shown_paths(self) -> list[str]:
        """All files, sorted, but of those with one row only their folders and their numbers."""
        folders = (f"{path}/ ({count:,} files)" for path, count in self._folders.items())
        return sorted({*self._tables, *folders})

    @property
    def _folders(self) -> dict[str, int]:
        """The number of files in each folder whose files have one row."""
        return {chunk.source.images: chunk.end for chunk in self.chunks if chunk.names}

    @property
    def _tables(self) -> set[str]:
        """The files with many rows."""
        folders = self._folders
        # The labels of such a folder are in a file, or in the names of the folders.
        return {
            path
            for source in self.sources
            for path in (source.images, source.labels)
            if source.images not in folders or not source.images.startswith(path)
        }

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
    division: Division = DIVIDED,
) -> Inventory:
    """Look at names, sizes and first bytes, which is quick however large the data are.

    Args:
      folder: the data folder, or a folder that holds span-1/, span-2/ and so on.
      layout: what the data must look like.
      format_name: a key of `FORMATS`, or "auto" to choose by the names of the files.
      span: the span to read; None for the newest.
      files: where the files come from.
      division: how to divide data that have no validation part.

    Raises:
      InvalidData: the folder or the span does not exist.
    """
    if not is_utf8(folder):
        raise InvalidData(f"{escape(folder)} {_NOT_UTF8}")
    folder, span, names = find_span(folder, span, files)
    false_folders = [
        Problem(os.path.join(folder, split), 0, 0, _NO_FOLDER) for split in SPLITS if split in names
    ]
    if false_folders:
        return Inventory(folder, span, "", problems=tuple(false_folders))
    candidates = FORMATS.values() if format_name == "auto" else [FORMATS[format_name]]
    divided = [
        reader
        for reader in candidates
        if any(reader.find(names, split) for split in (TRAIN, VALIDATION))
    ]
    matches = divided or [reader for reader in candidates if reader.find(names, UNDIVIDED)]
    if len(matches) > 1:
        # Files of labels alone may belong to another format, which has the images.
        matches = [reader for reader in matches if _has_images(reader, names)] or matches
    name = matches[0].name if len(matches) == 1 else ""
    empty = Inventory(folder, span, name, division=division)
    text = _find_obstacle(candidates, matches, bool(divided), names, division)
    if text:
        return replace(empty, problems=(Problem(folder, 0, 0, text),))
    parts = {split: split for split in SPLITS}
    if division.fraction:
        parts = {TRAIN: TRAIN if divided else UNDIVIDED, TEST: TEST}
    return _plan(empty, parts, names, layout, files)


def _find_obstacle(
    candidates: Iterable[Format],
    matches: Sequence[Format],
    divided: bool,
    names: Sequence[str],
    division: Division,
) -> str:
    """Return why a data folder cannot be read, or an empty string.

    Args:
      candidates: the formats that it may be in.
      matches: those whose files it holds.
      divided: whether it has parts for training or validation.
      names: all paths below the data folder, sorted.
      division: how to divide data that have no validation part.
    """
    if len(matches) > 1:
        formats = " and ".join(reader.name for reader in matches)
        return f"holds files of more than one format: {formats}. Set input.format to one of them."
    if not matches:
        needs = "\n".join(f"  {reader.name:<12} {reader.needs}" for reader in candidates)
        return f"holds no data in a format that can be read. A data folder holds\n{needs}"
    reader = matches[0]
    if not divided and not division.fraction:
        return (
            f"holds {reader.name} data that are not divided into training and validation. Set "
            f"aside some of them: {_REMEDY}. Or divide them: {reader.needs}."
        )
    validation = reader.find(names, VALIDATION)
    if division.fraction and validation:
        return (
            f"holds validation data, such as {escape(validation[0][0])}, so the training data are "
            "not divided. Leave out --validation-fraction, or move the validation data away."
        )
    return ""


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


def _plan(
    empty: Inventory,
    parts: Mapping[str, str],
    names: Sequence[str],
    layout: Layout,
    files: InputFiles,
) -> Inventory:
    """Return an inventory with sources and chunks.

    Args:
      empty: an inventory without them.
      parts: by split, the part of the data folder that holds it, as for `Format.find`.
      names: all paths below the data folder, sorted.
      layout: what the data must look like.
      files: where the files come from.
    """
    sources: list[Source] = []
    chunks: list[Chunk] = []
    folder, reader = empty.folder, empty.reader
    pairs_of_splits = {split: reader.find(names, part) for split, part in parts.items()}
    problems = _find_missing_splits(empty, pairs_of_splits)
    for split, pairs in pairs_of_splits.items():
        for images, labels in pairs:
            unusable = [
                Problem(escape(os.path.join(folder, name)), 0, 0, text)
                for name in dict.fromkeys((images, labels))
                if name and (text := _find_fault(name, names, reader))
            ]
            if unusable:
                problems += unusable
                continue
            labels_path = os.path.join(folder, labels) if labels else folder
            images_path = os.path.join(folder, images) if images else folder
            source = Source(split, images_path, labels_path)
            sources.append(source)
            try:
                chunks += reader.plan(source, layout, files)
            except InvalidData as error:
                problems.append(convert_error(error, source.images))
    return replace(empty, sources=tuple(sources), chunks=tuple(chunks), problems=tuple(problems))


def _find_missing_splits(
    empty: Inventory, pairs_of_splits: Mapping[str, Sequence[tuple[str, str]]]
) -> list[Problem]:
    """Return a problem for every split of which no files were found, but for the test images."""
    problems = []
    for split, pairs in pairs_of_splits.items():
        text = _MISSING.format(empty.reader.needs)
        if split == VALIDATION and pairs_of_splits[TRAIN]:
            text += f" To set aside some of the training data instead: {_REMEDY}."
        if not pairs and split != TEST:
            problems.append(Problem(os.path.join(empty.folder, split), 0, 0, text))
    return problems


def _has_images(reader: Format, names: Sequence[str]) -> bool:
    """Return whether a format finds images, and not only labels."""
    parts = (*SPLITS, UNDIVIDED)
    pairs = [pair for part in parts for pair in reader.find(names, part)]
    return any(not _find_fault(images, names, reader) for images, _ in pairs)


def _find_fault(name: str, names: Sequence[str], reader: Format) -> str:
    """Return why a file, or a folder of files, cannot be read by its name; empty if it can."""
    if not is_utf8(name):
        return _NOT_UTF8
    if not name:  # the data folder itself
        return ""
    below = bisect_left(names, f"{name}/")
    is_folder = below < len(names) and names[below].startswith(f"{name}/")
    return "" if is_folder or name in names else _MISSING.format(reader.needs)


def convert_error(error: InvalidData, path: str) -> Problem:
    """Return the error of a whole file as a problem, without the path that it begins with."""
    message = str(error).removeprefix(str(InvalidData(path)))
    return Problem(path, 0, 0, message.removeprefix(":").strip())
