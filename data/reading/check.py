"""Checks a whole data folder on one machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

from data.reading.files import LOCAL, Files
from data.reading.formats.format import Part
from data.reading.inventory import AUTO, Inventory, take_inventory
from data.reading.layout import STRICT, Layout, Tolerance
from data.reading.scan import count_rows, read_labels, scan_part
from data.reading.verdict import Findings, judge


def check_folder(
    folder: str,
    layout: Layout,
    tolerance: Tolerance = STRICT,
    format_name: str = AUTO,
    span: int | None = None,
    files: Files = LOCAL,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Inventory, Findings]:
    """Read everything and say everything that is wrong with it.

    Args:
      folder, layout, format_name, span, files: as of `take_inventory`.
      tolerance: what is let pass.
      progress: called with (parts read, parts in all).

    Raises:
      InvalidData: there is no such folder, or no such span.
    """
    inventory = take_inventory(folder, layout, format_name, span, files)
    name, parts = inventory.format, inventory.parts
    # Threads are enough: the work is done by numpy, pyarrow and zlib, which let others run.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        readable = dict.fromkeys(part.source for part in parts)
        labels = dict(
            zip(
                readable,
                pool.map(lambda source: read_labels(source, name, layout, files), readable),
                strict=True,
            )
        )
        counts = dict(
            zip(parts, pool.map(lambda part: count_rows(part, name, files), parts), strict=True)
        )
        first = first_rows(parts, counts)
        scans = []
        for scan in pool.map(
            lambda part: scan_part(part, name, first[part], labels[part.source], layout, files),
            parts,
        ):
            scans.append(scan)
            if progress is not None:
                progress(len(scans), len(parts))
    return inventory, judge(inventory, labels.values(), scans, layout, tolerance)


def first_rows(parts: tuple[Part, ...], counts: dict[Part, int]) -> dict[Part, int]:
    """Number of rows before each part within its source: the prefix sums of the counts."""
    first = {}
    for source in dict.fromkeys(part.source for part in parts):
        own = [part for part in parts if part.source == source]
        before = accumulate((counts[part] for part in own), initial=0)
        first.update(zip(own, before, strict=False))
    return first
