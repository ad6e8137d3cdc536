"""Checks a whole data folder on one machine."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from data.reading.formats.format import Chunk, Source
from data.reading.input_files import LOCAL, InputFiles
from data.reading.inventory import Inventory, take_inventory
from data.reading.layout import DIVIDED, STRICT, Division, Layout, Tolerance
from data.reading.scan import count_rows, read_labels, scan_chunk
from data.reading.verdict import Findings, judge


def check_folder(
    folder: str,
    layout: Layout,
    tolerance: Tolerance = STRICT,
    format_name: str = "auto",
    span: int | None = None,
    files: InputFiles = LOCAL,
    progress: Callable[[int, int], None] | None = None,
    division: Division = DIVIDED,
) -> tuple[Inventory, Findings]:
    """Read everything and report everything that is wrong with it.

    Args:
      folder: the data folder, or a folder that holds span-1/, span-2/ and so on.
      layout: what the data must look like.
      tolerance: which faults do not refuse the data.
      format_name: as for `take_inventory`.
      span: the span to read; None for the newest.
      files: where the files come from.
      progress: called with (chunks read, all chunks).
      division: how to divide data that have no validation part.

    Raises:
      InvalidData: the folder or the span does not exist.
    """
    inventory = take_inventory(folder, layout, format_name, span, files, division)
    return inventory, check_inventory(inventory, layout, tolerance, files, progress)


def check_inventory(
    inventory: Inventory,
    layout: Layout,
    tolerance: Tolerance = STRICT,
    files: InputFiles = LOCAL,
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Read everything of an inventory, as `check_folder` does."""
    name, chunks = inventory.format, inventory.chunks
    sources = list(dict.fromkeys(chunk.source for chunk in chunks))
    # Threads are enough: NumPy, PyArrow and zlib do the work and let other threads run.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read = pool.map(lambda source: read_labels(source, name, layout, files), sources)
        labels = dict(zip(sources, read, strict=True))
        counts = pool.map(lambda chunk: count_rows(chunk, name, layout, files), chunks)
        first = count_rows_before(chunks, dict(zip(chunks, counts, strict=True)))
        scans = []
        for scan in pool.map(
            lambda chunk: scan_chunk(
                chunk, name, first[chunk], labels[chunk.source], layout, files
            ),
            chunks,
        ):
            scans.append(scan)
            if progress is not None:
                progress(len(scans), len(chunks))
    return judge(inventory, labels.values(), scans, layout, tolerance)


def count_rows_before(chunks: Sequence[Chunk], counts: Mapping[Chunk, int]) -> dict[Chunk, int]:
    """Return the number of rows before each chunk within its source."""
    before: dict[Chunk, int] = {}
    sums: Counter[Source] = Counter()
    for chunk in chunks:
        before[chunk] = sums[chunk.source]
        sums[chunk.source] += counts[chunk]
    return before
