"""Writes a data folder of any format as CSV files, NPZ archives or folders of pictures.

    csv            OUT/SPLIT/images.csv  OUT/SPLIT/labels.csv    the seed layout
    npz            OUT/SPLIT.npz                                 grey levels and class names
    image-folder   OUT/SPLIT/CLASS/00000001.png                  numbered in the order of the rows

The rows keep their order, and simulated data their record. One block of rows is in memory.
"""

from __future__ import annotations

import itertools
import os
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData, escape
from data.reading.formats.format import Source
from data.reading.input_files import InputFiles, is_remote
from data.reading.inventory import Inventory
from data.reading.judging.division import are_in_split
from data.reading.labels import BAD
from data.reading.layout import Layout
from data.reading.verdict import Findings
from data.seed_layout import IMAGES, LABELS, RECORD, SPLITS, VALIDATION, encode_csv
from data.storage import files as storage

Target = Literal["csv", "npz", "image-folder"]

TAKEN = (RECORD, *SPLITS, *(f"{split}.npz" for split in SPLITS))
"""Paths that converted data take, in whichever format."""

# As text they take nine times as much.
_PIXELS_AT_A_TIME = 1 << 19
_MOST_RECORD_BYTES = 1 << 20

Levels = NDArray[np.uint8]
Indices = NDArray[np.int64]

Write = Callable[[Levels, Indices], None]
"""Writes rows: levels [rows, pixels] and class indices [rows]."""


def refuse_nesting(folder: str, output: str) -> None:
    """Refuse an output that is the data folder itself, or holds it and so may replace it.

    Raises:
      InvalidData: it does.
    """
    inner, outer = (os.path.join(os.path.realpath(path), "") for path in (folder, output))
    if not is_remote(folder) and inner.startswith(outer):
        raise InvalidData(
            f"{output} is the data folder, or holds it. Choose another folder for the output."
        )


def write_converted(
    inventory: Inventory,
    findings: Findings,
    target: Target,
    layout: Layout,
    output: Path,
    files: InputFiles,
    progress: Callable[[int, int], None],
) -> None:
    """Write data that have been checked in another format.

    Args:
      inventory: of the data.
      findings: of the check, without errors. Rows that it drops are left out.
      target: the format to write.
      layout: what the data look like.
      output: the folder to write to.
      files: where the data come from.
      progress: called with (images written, all images).

    Raises:
      InvalidData: a class cannot be the name of a folder, or the data have changed.
    """
    total, done = sum(findings.images.values()), 0
    step = max(1, _PIXELS_AT_A_TIME // layout.pixels)
    with ExitStack() as stack:
        writers = {
            split: stack.enter_context(_WRITERS[target](output, split, count, layout))
            for split, count in findings.images.items()
        }
        for split, levels, labels in _read_rows(inventory, findings, layout, files):
            for start in range(0, len(levels), step):
                block = slice(start, start + step)
                writers[split](levels[block], labels[block])
                done += len(levels[block])
                progress(done, total)
    if done != total:
        raise InvalidData(f"{inventory.folder} has changed since it was checked. Try again.")
    _copy_record(inventory, output, files)


def _read_rows(
    inventory: Inventory, findings: Findings, layout: Layout, files: InputFiles
) -> Iterator[tuple[str, Levels, Indices]]:
    """Yield the split of rows, their levels [rows, pixels] and their labels [rows], in order."""
    source: Source | None = None
    for chunk in inventory.chunks:
        if chunk.source != source:
            source, first = chunk.source, 0
            labels = inventory.reader.read_labels(source, layout, files)
            dropped = sorted(findings.dropped_rows.get(source.images, ()))
            held_out = findings.validation_rows.get(source.images, ())
        for rows in inventory.reader.read(chunk, layout, files):
            numbers = first + np.arange(len(rows.levels))
            first += len(rows.levels)
            index = rows.labels if labels is None else labels.index[numbers[0] : first]
            kept = (index != BAD) & ~np.isin(numbers, dropped)
            in_validation = np.isin(numbers, held_out) | (chunk.source.split == VALIDATION)
            for split in inventory.splits:
                own = kept & are_in_split(chunk, in_validation, split)
                yield split, rows.levels[own], index[own]


@contextmanager
def _writing_csv(
    output: Path,
    split: str,
    count: int,  # noqa: ARG001 - the writer of archives needs it
    layout: Layout,
) -> Iterator[Write]:
    """Write the seed layout."""
    images_path, labels_path = (str(output / split / name) for name in (IMAGES, LABELS))
    one_hot = np.eye(len(layout.classes), dtype=np.uint8) * np.uint8(255)
    with (
        storage.writing(images_path, "wb") as images,
        storage.writing(labels_path, "wb") as labels,
    ):

        def write(levels: Levels, indices: Indices) -> None:
            images.write(encode_csv(levels))
            labels.write(encode_csv(one_hot[indices]))

        yield write


@contextmanager
def _writing_npz(output: Path, split: str, count: int, layout: Layout) -> Iterator[Write]:
    """Write an archive like those of `numpy.savez`, which would need all images at once."""
    names: list[str] = []
    npy_format: Any = np.lib.format  # has no types before NumPy 2
    shape = (count, layout.height, layout.width)
    with (
        storage.writing(str(output / f"{split}.npz"), "wb") as stream,
        zipfile.ZipFile(stream, "w") as archive,
    ):
        with archive.open("images.npy", "w", force_zip64=True) as member:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            npy_format.write_array_header_1_0(member, header)

            def write(levels: Levels, indices: Indices) -> None:
                member.write(levels.tobytes())
                names.extend(layout.classes[index] for index in indices)

            yield write
        with archive.open("labels.npy", "w") as member:
            np.save(member, np.array(names))


@contextmanager
def _writing_pictures(
    output: Path,
    split: str,
    count: int,  # noqa: ARG001 - the writer of archives needs it
    layout: Layout,
) -> Iterator[Write]:
    """Write a folder of PNG files for each class."""
    from PIL import Image

    for name in layout.classes:
        _refuse_folder_name(name)
        (output / split / name).mkdir(parents=True)
    numbers = itertools.count(1)

    def save(levels: Levels, index: int, number: int) -> None:
        image = Image.fromarray(levels.reshape(layout.height, layout.width))
        image.save(output / split / layout.classes[index] / f"{number:08d}.png")

    with ThreadPoolExecutor(os.cpu_count()) as pool:

        def write(levels: Levels, indices: Indices) -> None:
            numbered = itertools.islice(numbers, len(levels))
            list(pool.map(save, levels, indices, numbered))  # raises what a thread raised

        yield write
    os.sync()  # once, instead of waiting for the disk after each picture


def _refuse_folder_name(name: str) -> None:
    if name.startswith(".") or {"/", "\0"} & set(name) or not 0 < len(name.encode()) < 256:
        raise InvalidData(
            f'The class "{escape(name)}" cannot be the name of a folder of pictures. Rename it in '
            "classes, or convert to csv or npz."
        )


_WRITERS: dict[Target, Callable[[Path, str, int, Layout], AbstractContextManager[Write]]] = {
    "csv": _writing_csv,
    "npz": _writing_npz,
    "image-folder": _writing_pictures,
}


def _copy_record(inventory: Inventory, output: Path, files: InputFiles) -> None:
    """Copy the record of simulated data, so that converted ones are called simulated too."""
    path = os.path.join(inventory.folder, RECORD)
    try:
        with files.open(path) as stream:
            record = stream.read(_MOST_RECORD_BYTES)
    except FileNotFoundError:
        return
    storage.write_file(str(output / RECORD), record)
