"""Reads labels and chosen rows of one split into memory, for plots, notebooks and tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.check import check_inventory, count_rows_before
from data.reading.formats.format import Chunk
from data.reading.input_files import LOCAL, InputFiles
from data.reading.inventory import Inventory
from data.reading.layout import Layout
from data.reading.problems import list_problems
from data.seed_layout import TRAIN, VALIDATION


def divide(inventory: Inventory, layout: Layout, files: InputFiles = LOCAL) -> Inventory:
    """Return the inventory with the rows for validation, if it is not the files that divide them.

    This reads all rows, because their content decides. The other functions call it if nobody has.
    """
    if not inventory.division.fraction or inventory.validation_rows is not None:
        return inventory
    findings = check_inventory(inventory, layout, files=files)
    return replace(inventory, validation_rows=findings.validation_rows)


def split_labels(
    inventory: Inventory, split: str, layout: Layout, files: InputFiles = LOCAL
) -> NDArray[np.int64]:
    """Return the class indices of a split, int64 [rows], in the order of its files.

    Raises:
      InvalidData: files of the split are missing, or a label is bad.
    """
    chunks = _select_chunks(inventory, split)
    inventory = divide(inventory, layout, files)
    index = [np.zeros(0, np.int64)]
    for source in dict.fromkeys(chunk.source for chunk in chunks):
        labels = inventory.reader.read_labels(source, layout, files)
        if labels is not None:
            if labels.problems:
                raise InvalidData(list_problems(labels.problems, f"{source.labels}:"))
            own = [labels.index]
        else:
            own_chunks = [chunk for chunk in chunks if chunk.source == source]
            own = [inventory.reader.read_labels_of(chunk, layout, files) for chunk in own_chunks]
        together = np.concatenate(own)
        rows = np.arange(len(together))
        index.append(together[_belong(inventory, split, source.images, rows)])
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
      split: one of `SPLITS`.
      layout: what the data look like.
      chosen: 0-based numbers of rows, in the order of the split's files; None for all. Chunks that
        hold none of these are not read.
      files: where the files come from.

    Raises:
      InvalidData: files of the split are missing, a chosen row is bad or does not exist.
    """
    chunks = _select_chunks(inventory, split)
    inventory = divide(inventory, layout, files)
    parts = _list_rows(inventory, chunks, split, layout, files)
    total = sum(len(own) for _, _, own in parts)
    requested = np.arange(total) if chosen is None else np.unique(np.asarray(chosen, np.int64))
    if len(requested) and requested[-1] >= total:
        raise InvalidData(
            f"{chunks[-1].source.images} holds fewer rows than there are labels. Row n of one "
            "belongs to row n of the other, so both must have the same number."
        )
    images, before = [np.zeros((0, layout.pixels), np.uint8)], 0
    for chunk, first_row, own in parts:
        end = before + len(own)
        selected = own[requested[(requested >= before) & (requested < end)] - before]
        if len(selected):
            images += _read_rows(inventory, chunk, first_row, selected, layout, files)
        before = end
    levels = np.concatenate(images)
    order = slice(None) if chosen is None else np.searchsorted(requested, chosen)
    return levels[order].reshape(-1, layout.height, layout.width)


def _list_rows(
    inventory: Inventory,
    chunks: Sequence[Chunk],
    split: str,
    layout: Layout,
    files: InputFiles,
) -> list[tuple[Chunk, int, NDArray[np.int64]]]:
    """Return chunks, each with the number of its first row, and with its rows of the split.

    The numbers of rows are those in the source.
    """
    counts = {chunk: inventory.reader.count(chunk, layout, files) for chunk in chunks}
    before = count_rows_before(chunks, counts)
    parts = []
    for chunk in chunks:
        rows = before[chunk] + np.arange(counts[chunk])
        own = rows[_belong(inventory, split, chunk.source.images, rows)]
        parts.append((chunk, before[chunk], own))
    return parts


def _belong(
    inventory: Inventory, split: str, images: str, rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return whether rows of a source belong to a split, given their numbers in the source."""
    if inventory.validation_rows is None:
        return np.ones(len(rows), bool)
    for_validation = np.isin(rows, inventory.validation_rows.get(images, ()))
    return for_validation if split == VALIDATION else ~for_validation


def _read_rows(
    inventory: Inventory,
    chunk: Chunk,
    first_row: int,
    requested: NDArray[np.int64],
    layout: Layout,
    files: InputFiles,
) -> list[NDArray[np.uint8]]:
    """Return rows of a chunk. All numbers of rows are those in the source."""
    if chunk.names:  # the other pictures need not be read
        chunk = chunk.select((requested - first_row).tolist())
        first_row, requested = 0, np.arange(len(requested))
    levels, done = [], first_row
    for rows in inventory.reader.read(chunk, layout, files):
        end = done + len(rows.levels)
        selected = requested[(requested >= done) & (requested < end)] - done
        bad = [fault for fault in rows.faults if fault.row in selected]
        if bad:
            problem = chunk.describe(done + bad[0].row, bad[0].text, bad[0].column)
            raise InvalidData(str(problem))
        levels.append(rows.levels[selected])
        done = end
    return levels


def _select_chunks(inventory: Inventory, split: str) -> tuple[Chunk, ...]:
    held = TRAIN if inventory.division.fraction and split == VALIDATION else split
    chunks = tuple(chunk for chunk in inventory.chunks if chunk.source.split == held)
    if not chunks:
        own = [problem for problem in inventory.problems if held in problem.path]
        raise InvalidData(
            list_problems(own or inventory.problems, "Problems:")
            if inventory.problems
            else f"{inventory.folder} has no split {split}."
        )
    return chunks
