"""Folders of pictures: one file for each spectrogram, one folder for each class.

    train/CLASS/*.png  validation/CLASS/*.png     or valid/ or val/; also .jpg, .jpeg, .bmp, .tif

As Keras's image_dataset_from_directory and torchvision's ImageFolder read them, except that the
names of the folders stand for the configured classes, whatever their order. Time runs downwards,
frequency to the right. Hidden files are ignored.
"""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.formats.format import Chunk, Format, Rows, Source
from data.reading.input_files import InputFiles, is_remote, is_utf8, open_input
from data.reading.labels import BAD
from data.reading.layout import Layout
from data.reading.pictures.decode import MOST_BYTES, Picture, decode_picture
from data.reading.problems import Fault

# Also in upper case.
EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")

# Names of a split's folder in sets of this format.
_FOLDERS = {"train": ("train",), "validation": ("validation", "valid", "val")}

# A chunk is what one worker reads, and its levels are in memory.
_CHUNK_BYTES = 32 << 20
_MOST_IN_CHUNK = 1024
_BLOCK_BYTES = 4 << 20

# In a bucket a thread waits for answers, on this machine it computes.
_THREADS_REMOTE = 16
_MOST_THREADS = 8

# Room for a larger picture takes longer to make than a small picture to read.
_FIRST_BYTES = 1 << 16

_RESIZED = "pictures resized to {} x {} with anti-aliasing (--no-resize refuses them)"
_LUMA = (
    "pictures in colour read by their luma (if they were drawn with a colour map, name it in "
    "input.colour_map)"
)


class ImageFolder(Format):
    """Pictures in folders that are named after the classes. A source is one of these folders."""

    name = "image-folder"
    needs = "train/CLASS/*.png and validation/CLASS/*.png, also .jpg, .bmp or .tif"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        prefixes = tuple(f"{folder}/" for folder in _FOLDERS.get(split, (split,)) if folder)
        levels = 2 if prefixes else 1
        folders = {
            "/".join(name.split("/", levels)[:levels])
            for name in names
            if name.startswith(prefixes or "") and name.count("/") >= levels and _is_picture(name)
        }
        return [(folder, posixpath.dirname(folder)) for folder in sorted(folders)]

    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """See `Format`."""
        self._find_class(source, layout)
        try:
            names = tuple(filter(_is_picture, files.names(source.images)))
        except OSError as error:
            raise InvalidData(
                f"{source.images} cannot be read: {error.strerror or error}."
            ) from None
        step = max(1, min(_MOST_IN_CHUNK, _CHUNK_BYTES // layout.pixels))
        return [
            Chunk(
                source,
                start,
                min(start + step, len(names)),
                first=start == 0,
                names=names[start : start + step],
            )
            for start in range(0, len(names), step)
        ]

    def count(
        self,
        chunk: Chunk,
        layout: Layout,  # noqa: ARG002 - the interface has it
        files: InputFiles,  # noqa: ARG002 - the interface has it
    ) -> int:
        """See `Format`."""
        return len(chunk.names)

    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """See `Format`. A picture that cannot be read is a bad row."""
        label = self._find_class(chunk.source, layout)
        paths = [chunk.locate(row)[0] for row in range(chunk.start, chunk.end)]
        step = max(1, _BLOCK_BYTES // layout.pixels)
        threads = min(os.cpu_count() or 1, _MOST_THREADS)
        if is_remote(chunk.source.images):
            threads = _THREADS_REMOTE
        with ThreadPoolExecutor(threads) as pool:
            for start in range(0, len(paths), step):
                block = paths[start : start + step]
                pictures = pool.map(lambda path: _read_picture(path, layout, files), block)
                yield _collect(pictures, len(block), label, layout)

    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> None:
        """Return None: the labels come with the rows."""

    def read_labels_of(
        self,
        chunk: Chunk,
        layout: Layout,
        files: InputFiles,  # noqa: ARG002 - the interface has it
    ) -> NDArray[np.int64]:
        """See `Format`. No picture is read."""
        return np.full(len(chunk.names), self._find_class(chunk.source, layout), np.int64)

    def _find_class(self, source: Source, layout: Layout) -> int:
        """Return the class that a folder is named after, or `BAD` if labels are not needed.

        Raises:
          InvalidData: it is none of the layout's classes.
        """
        name = posixpath.basename(source.images)
        if name not in layout.classes and not layout.needs_labels:
            return BAD
        if name not in layout.classes:
            raise InvalidData(
                f'{source.images} holds pictures, but "{name}" is not a class. Classes are '
                f"{', '.join(layout.classes)}; set classes to the names of the folders, or move "
                "this folder away."
            )
        return layout.classes.index(name)


def _is_picture(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS) and "/." not in f"/{name}"


def _read_picture(path: str, layout: Layout, files: InputFiles) -> Picture | str:
    """Return the picture, or what is wrong with it."""
    if not is_utf8(path):
        return (
            "the picture has a name that is not UTF-8, so it cannot be stored with the image. "
            "Rename it."
        )
    try:
        with open_input(path, files) as stream:
            content = _read_to_the_end(stream)
    except InvalidData as error:
        return "the picture" + str(error).removeprefix(str(InvalidData(path)))
    try:
        return decode_picture(content, layout)
    except InvalidData as error:
        return str(error)


def _read_to_the_end(stream: IO[bytes]) -> bytes:
    """Return the content of a file, or a little more than the most that is decoded."""
    content = stream.read(_FIRST_BYTES)
    while len(content) <= MOST_BYTES:
        piece = stream.read(max(_FIRST_BYTES, len(content)))
        if not piece:
            break
        content += piece
    return content


def _collect(pictures: Iterator[Picture | str], count: int, label: int, layout: Layout) -> Rows:
    levels = np.zeros((count, layout.pixels), np.uint8)
    faults, remarks = [], Counter[str]()
    for row, picture in enumerate(pictures):
        if isinstance(picture, str):
            faults.append(Fault(row, 0, picture))
            continue
        levels[row] = picture.levels
        if picture.is_resized:
            remarks[_RESIZED.format(layout.height, layout.width)] += 1
        if picture.is_colour_as_luma:
            remarks[_LUMA] += 1
    return Rows(levels, faults, np.full(count, label, np.int64), dict(remarks))
