"""From the files and folders that are given to blocks of spectrograms.

    FILE      read as its content shows (`data.reading.content`)
    -         rows of CSV from standard input
    FOLDER    a data folder: train/, validation/, test/; or else everything in it that can be read

Labels are used where they are there. All files are looked at before the first one is read.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from data.invalid import InvalidData
from data.reading.content import FIRST_BYTES, Kind, choose_csv, detect_kind, detect_kind_by_name
from data.reading.formats import FORMATS
from data.reading.formats.format import UNDIVIDED, Chunk, Format, Source
from data.reading.formats.npy import read_header
from data.reading.formats.npz import list_arrays
from data.reading.input_files import InputFiles, is_remote, is_utf8, open_input
from data.reading.inventory import find_span
from data.reading.layout import FormatName, Layout
from data.reading.text import TO_THE_END
from data.seed_layout import SPLITS
from data.telescope.tile_folder import is_tile_folder
from pipeline.classify.inputs.parts import Part, plan_examples, plan_part
from pipeline.classify.inputs.standard_input import NAME as STANDARD_INPUT
from pipeline.classify.inputs.standard_input import StandardInput

_TILE_TABLES = ("tiles.csv", "tiles-validation.csv")
_RECORDING = ".dat"

# Of a path: what it holds, and the folder whose files are read together.
_Group = tuple[Kind | None, str]


@dataclass
class Inputs:
    """What there is to classify.

    Attributes:
      parts: spectrograms, in order.
      observations: paths of observations, in order.
      ignored: files in folders whose names say that they are something else.
    """

    parts: list[Part] = field(default_factory=list)
    observations: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Finder:
    """Finds what there is to classify.

    Attributes:
      layout: classes and size of the model, and how files are read.
      choose_files: from a path to the file system that has it.
      split: "train" or "validation", to leave out the other one of data folders; empty for both.
      span: the span of data folders that have spans; None for the newest.
    """

    layout: Layout
    choose_files: Callable[[str], InputFiles]
    split: str = ""
    span: int | None = None

    def find(self, paths: Sequence[str]) -> Inputs:
        """Look at files and folders.

        Args:
          paths: of files and folders, and "-" for standard input.

        Raises:
          InvalidData: one of them cannot be read, or nothing in it.
        """
        inputs = Inputs()
        for path in paths:
            if not is_utf8(path):
                raise InvalidData(f"{path} has a name that is not UTF-8. Rename it.")
        for is_folder, group in groupby(paths, self._is_folder):
            for path in group if is_folder else ():
                self._add_folder(inputs, path)
            self._add_files(inputs, () if is_folder else group, by_name=False)
        return inputs

    def _is_folder(self, path: str) -> bool:
        if not is_remote(path):
            return os.path.isdir(path)
        try:
            self.choose_files(path).size(path)
        except FileNotFoundError:
            return True
        return False

    def _add_folder(self, inputs: Inputs, folder: str) -> None:
        """Add a data folder, or else everything in a folder that can be read."""
        files = self.choose_files(folder)
        place, _, names = find_span(folder, self.span, files)
        if is_tile_folder(place):
            names = [name for name in names if name not in _TILE_TABLES]
        before = len(inputs.parts) + len(inputs.observations)
        splits = (self.split,) if self.split else SPLITS
        sources = [each for split in splits for each in self._find_sources(names, split)]
        if not sources and self.split:
            raise InvalidData(f"{folder} has no {self.split} data.")
        loose: Iterable[str] = ()
        if not sources:
            sources = [each for each in self._find_sources(names, UNDIVIDED) if each[0]]
            loose = (name for name in names if not any(_holds(s, name) for _, s in sources))
        for reader, source in sources:
            images, labels = (
                os.path.join(place, path).rstrip("/") for path in (source.images, source.labels)
            )
            if reader is None:
                self._add_files(inputs, [images], by_name=False)
            else:
                located = Source(source.split, images, labels if source.labels else "")
                inputs.parts.append(plan_part(reader, located, self.layout, files))
        self._add_files(inputs, (os.path.join(place, name) for name in loose), by_name=True)
        if before == len(inputs.parts) + len(inputs.observations):
            raise InvalidData(f"{folder} holds nothing that can be classified.")

    def _find_sources(
        self, names: Sequence[str], part: str
    ) -> Iterator[tuple[Format | None, Source]]:
        """Yield the sources of a part of a data folder, each with its reader.

        The reader is None where the content of a single file is to decide.
        """
        known = set(names)
        for reader in FORMATS.values():
            for images, labels in reader.find(names, part):
                is_file = images in known
                if is_file and images == labels:
                    yield None, Source(part, images, "")
                elif is_file:
                    yield reader, Source(part, images, labels if labels in known else "")
                elif reader.name == "image-folder":
                    # A folder of another name in no split holds pictures without labels.
                    if part or posixpath.basename(images) in self.layout.classes:
                        yield reader, Source(part, images, labels)
                elif reader.name == "voltages" and labels:
                    yield reader, Source(part, images, labels)

    def _add_files(self, inputs: Inputs, paths: Iterable[str], by_name: bool) -> None:
        """Add files.

        Args:
          inputs: what they are added to.
          paths: the files, or "-".
          by_name: whether to ignore files whose names do not say that they can be read.
        """

        def find_group(path: str) -> _Group:
            kind = self._find_kind(path, by_name)
            alone = kind not in ("picture", "recording")
            return kind, path if alone else os.path.dirname(path)

        for (kind, _), group in groupby(paths, find_group):
            for path in () if kind in ("picture", "recording") else group:
                self._add_file(inputs, path, kind)
            members = list(group)
            if members and kind:
                inputs.parts.append(self._plan_members(members, kind))

    def _find_kind(self, path: str, by_name: bool) -> Kind | None:
        if path == "-":
            return "csv"
        named = detect_kind_by_name(path)
        if by_name and (named is None or "/." in f"/{path}"):
            return None
        if named == "picture":
            return named
        with open_input(path, self.choose_files(path)) as stream:
            return detect_kind(stream.read(FIRST_BYTES), path)

    def _add_file(self, inputs: Inputs, path: str, kind: Kind | None) -> None:
        files, layout = self.choose_files(path), self.layout
        source = Source("", path, "")
        if kind is None:
            inputs.ignored.append(path)
        elif kind in ("filterbank", "hdf5"):
            inputs.observations.append(path)
        elif path == "-":
            inputs.parts.append(self._plan_standard_input())
        elif kind == "tfrecord":
            inputs.parts.append(plan_examples(path, layout, files))
        elif kind == "csv":
            reader = choose_csv(path, layout, files)
            inputs.parts.append(plan_part(reader, source, layout, files))
        elif kind == "npz":
            has_labels = "labels" in list_arrays(path, files)
            source = replace(source, labels=path if has_labels else "")
            inputs.parts.append(plan_part(FORMATS["npz"], source, layout, files))
        else:
            name = "idx" if kind == "idx" else _name_array(path, files)
            inputs.parts.append(plan_part(FORMATS[name], source, layout, files))

    def _plan_members(self, paths: Sequence[str], kind: Kind) -> Part:
        """Return the part of pictures or recordings of one folder."""
        folder = os.path.dirname(paths[0]) or "."
        names = tuple(os.path.basename(path) for path in paths)
        source = Source("", folder, folder)
        chunk = Chunk(source, 0, len(names), first=True, names=names)
        reader = FORMATS["image-folder" if kind == "picture" else "voltages"]
        return plan_part(reader, source, self.layout, self.choose_files(folder), [chunk])

    def _plan_standard_input(self) -> Part:
        stdin = StandardInput(self.layout.longest_line)
        source = Source("", STANDARD_INPUT, "")
        reader = choose_csv(STANDARD_INPUT, self.layout, stdin.first_lines)
        chunk = reader.plan(source, self.layout, stdin.first_lines)[0]
        whole = replace(chunk, end=TO_THE_END)
        return replace(plan_part(reader, source, self.layout, stdin, [whole]), is_live=True)


def _holds(source: Source, name: str) -> bool:
    """Return whether a file of a folder belongs to a source."""
    if name in (source.images, source.labels):
        return True
    if not source.images:  # recordings in the folder itself
        return name.endswith(_RECORDING) and "/" not in name
    return name.startswith(f"{source.images}/")


def _name_array(path: str, files: InputFiles) -> FormatName:
    """Return the format of an .npy file: that of voltages if it holds complex or signed samples."""
    with open_input(path, files) as stream:
        array = read_header(stream, path)
    is_voltages = array.dtype.kind == "c" or (array.dtype == "int8" and array.shape[-1:] == (2,))
    return "voltages" if is_voltages else "npy"
