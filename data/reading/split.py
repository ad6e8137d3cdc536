"""Reads labels and chosen rows of one split into memory, for plots, notebooks and tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.check import count_rows_before
from data.reading.formats.format import Chunk
from data.reading.input_files import LOCAL, InputFiles
from data.reading.inventory import Inventory
from data.reading.layout import Layout
from data.reading.problems import list_problems


def split_labels(
    inventory: Inventory, split: str, layout: Layout, files: InputFiles = LOCAL
) -> NDArray[np.int64]:
    """Return the class indices of a split, int64 [rows], in the order of its files.

    Raises:
      InvalidData: files of the split are missing, or a label is bad.
    """
    chunks = _select_chunks(inventory, split)
    index = [np.zeros(0, np.int64)]
    for source in dict.fromkeys(chunk.source for chunk in chunks):
        labels = inventory.reader.read_labels(source, layout, files)
        if labels is not None:
            if labels.problems:
                raise InvalidData(list_problems(labels.problems, f"{source.labels}:"))
            index.append(labels.index)
            continue
        for chunk in (chunk for chunk in chunks if chunk.source == source):
            index += [rows.labels for rows in inventory.reader.read(chunk, layout, files)]
    return np.concatenate(index)


def split_images(
    inventory: Inventory,
    split: str,
    layout: Layout,
    chosen: Sequence[int] | NDArray[np.int64] | None = None,
    files: InputFiles = LOCAL,
) -> NDArray[np.uint8]:
    """Return spectrograms of a split as grey levels, uint8 [images, height, width].

    Args:
      inventory: of the data.
      split: "train" or "validation".
      layout: what the data look like.
      chosen: 0-based numbers of rows, in the order of the split's files; None for all. Chunks that
        hold none of these are not read.
      files: where the files come from.

    Raises:
      InvalidData: files of the split are missing, a chosen row is bad or does not exist.
    """
    chunks = _select_chunks(inventory, split)
    counts = {chunk: inventory.reader.count(chunk, layout, files) for chunk in chunks}
    first_in_source = count_rows_before(chunks, counts)
    total = sum(counts.values())
    requested = np.arange(total) if chosen is None else np.unique(np.asarray(chosen, np.int64))
    if len(requested) and requested[-1] >= total:
        raise InvalidData(
            f"{chunks[-1].source.images} holds fewer rows than there are labels. Row n of one "
            "belongs to row n of the other, so both must have the same number."
        )
    images, before = [np.zeros((0, layout.pixels), np.uint8)], 0
    for chunk in chunks:
        own = requested[(requested >= before) & (requested < before + counts[chunk])] - before
        if len(own):
            number = chunk.row_offset + first_in_source[chunk]
            images += _read_rows(inventory, chunk, own, number, layout, files)
        before += counts[chunk]
    levels = np.concatenate(images)
    order = slice(None) if chosen is None else np.searchsorted(requested, chosen)
    return levels[order].reshape(-1, layout.height, layout.width)


def _read_rows(
    inventory: Inventory,
    chunk: Chunk,
    requested: NDArray[np.int64],
    number: int,
    layout: Layout,
    files: InputFiles,
) -> list[NDArray[np.uint8]]:
    """Return requested rows of a chunk, whose first row has this 1-based number in the file."""
    levels, done = [], 0
    for rows in inventory.reader.read(chunk, layout, files):
        end = done + len(rows.levels)
        selected = requested[(requested >= done) & (requested < end)] - done
        bad = [fault for fault in rows.faults if fault.row in selected]
        if bad:
            raise InvalidData(str(bad[0].locate(chunk.source.images, number + done)))
        levels.append(rows.levels[selected])
        done = end
    return levels


def _select_chunks(inventory: Inventory, split: str) -> tuple[Chunk, ...]:
    chunks = tuple(chunk for chunk in inventory.chunks if chunk.source.split == split)
    if not chunks:
        own = [problem for problem in inventory.problems if split in problem.path]
        raise InvalidData(
            list_problems(own or inventory.problems, "Problems:")
            if inventory.problems
            else f"{inventory.folder} has no split {split}."
        )
    return chunks
