"""Labels and chosen rows of one split, in memory: for pictures, notebooks and tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.invalid import InvalidData
from data.reading.check import first_rows
from data.reading.files import LOCAL, Files
from data.reading.formats.format import Part
from data.reading.inventory import Inventory
from data.reading.layout import Layout
from data.reading.problems import listed


def split_labels(
    inventory: Inventory, split: str, layout: Layout, files: Files = LOCAL
) -> np.ndarray:
    """Return the class indices of a split, int64 [rows], in the order of its files.

    Raises:
      InvalidData: files of the split are missing, or a label is bad.
    """
    parts = _parts(inventory, split)
    index = [np.zeros(0, np.int64)]
    for source in dict.fromkeys(part.source for part in parts):
        found = inventory.reader.labels(source, layout, files)
        if found is not None:
            if found.problems:
                raise InvalidData(listed(found.problems, f"{source.labels}:"))
            index.append(found.index)
            continue
        for part in (part for part in parts if part.source == source):
            index += [rows.labels for rows in inventory.reader.read(part, layout, files)]
    return np.concatenate(index)


def split_images(
    inventory: Inventory,
    split: str,
    layout: Layout,
    chosen: Sequence[int] | None = None,
    files: Files = LOCAL,
) -> np.ndarray:
    """Return spectrograms of a split as grey levels, uint8 [images, height, width].

    Args:
      inventory, layout, files: of the data.
      split: "train" or "validation".
      chosen: numbers of rows, from 0 in the order of the split's files; None for all. Files, or
        stretches of them, that hold none of these are not read.

    Raises:
      InvalidData: files of the split are missing, a chosen row is bad, or there is no such row.
    """
    parts = _parts(inventory, split)
    counts = {part: inventory.reader.count(part, files) for part in parts}
    in_source = first_rows(parts, counts)
    total = sum(counts.values())
    wanted = np.arange(total) if chosen is None else np.unique(np.asarray(chosen, np.int64))
    if len(wanted) and wanted[-1] >= total:
        raise InvalidData(
            f"{parts[-1].source.images} holds fewer rows than there are labels. Row n of one "
            "belongs to row n of the other, so both must have the same number."
        )
    images, before = [np.zeros((0, layout.pixels), np.uint8)], 0
    for part in parts:
        end = before + counts[part]
        if ((wanted >= before) & (wanted < end)).any():
            at = before
            for rows in inventory.reader.read(part, layout, files):
                here = wanted[(wanted >= at) & (wanted < at + len(rows.levels))] - at
                first = part.row_offset + in_source[part] + at - before
                bad = [fault for fault in rows.faults if fault.row in here]
                if bad:
                    raise InvalidData(str(bad[0].at(part.source.images, first)))
                images.append(rows.levels[here])
                at += len(rows.levels)
        before = end
    levels = np.concatenate(images)
    order = slice(None) if chosen is None else np.searchsorted(wanted, chosen)
    return levels[order].reshape(-1, layout.height, layout.width)


def _parts(inventory: Inventory, split: str) -> tuple[Part, ...]:
    parts = tuple(part for part in inventory.parts if part.source.split == split)
    if not parts:
        about = [problem for problem in inventory.problems if split in problem.path]
        raise InvalidData(
            listed(about or inventory.problems, "Problems:")
            if inventory.problems
            else f"{inventory.folder} has no split {split}."
        )
    return parts
