"""Says what came of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from data.reading.problems import list_problems
from data.seed_layout import read_record
from data.telescope.tiling import Tiling
from pipeline.classify.images import Outcome, describe_confusion
from pipeline.classify.inputs.batches import LeftOut
from pipeline.classify.observations.scan import Scan, Scanned
from trainer.export.pushed_models import PushedModel

_MOST_NAMED = 5


def describe_origin(paths: Sequence[str]) -> str:
    """Return how the data were simulated, if a record beside them says that they were; else ""."""
    for path in paths:
        for folder in (path, os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
            if record := read_record(folder):
                return f" (SIMULATED: preset {record['preset']}, seed {record['seed']})"
    return ""


def summarise_images(
    console: Console,
    pushed: PushedModel,
    outcome: Outcome,
    classes: Sequence[str],
    origin: str,
) -> None:
    """Print how many images have which class, and the report if they have labels."""
    rate = outcome.images / outcome.seconds
    _print(console, "model", pushed.path)
    _print(
        console,
        "images",
        f"{outcome.images:,} in {outcome.seconds:.1f} s, {rate:,.0f} images/s{origin}",
    )
    width = max(len("class"), *map(len, classes))
    console.print(f"\n{'class':<{width}} {'images':>10} {'uncertain':>10}", markup=False)
    for name, images, uncertain in zip(classes, outcome.decisions, outcome.uncertain, strict=True):
        console.print(f"{name:<{width}} {images:>10,} {uncertain:>10,}", markup=False)
    console.print()
    if outcome.confusion.any():
        console.print(describe_confusion(outcome.confusion, classes), markup=False)


def summarise_rows(console: Console, left_out: LeftOut | None, ignored: Sequence[str]) -> None:
    """Print what was done with some rows, and what was left out."""
    for text, rows in sorted(left_out.remarks.items()) if left_out else ():
        console.print(f"{text}: {rows:,}", markup=False)
    if left_out and left_out.problems:
        heading = f"{len(left_out.problems):,} bad rows were left out:"
        text = list_problems(left_out.problems, heading)
        _print(console, "" if "\n" in text else "left out", text)
    if ignored:
        names = ", ".join(ignored[:_MOST_NAMED]) + (", ..." if len(ignored) > _MOST_NAMED else "")
        console.print(f"ignored  {len(ignored):,} files of other kinds: {names}", markup=False)


def summarise_scan(
    console: Console,
    pushed: PushedModel,
    scan: Scan,
    tilings: Sequence[Tiling],
    scanned: Scanned,
) -> None:
    """Print what was scanned, and how many candidates there are of which class."""
    _print(console, "model", pushed.path)
    for path, tiling in zip(scan.paths, tilings, strict=True):
        _print(console, "read", f"{path}: {tiling.header}")
    done = scanned.tiles - scanned.resumed
    resumed = f", after {scanned.resumed:,} of an earlier process" if scanned.resumed else ""
    size = f"{scan.grid.height} x {scan.grid.width}"
    _print(
        console,
        "tiles",
        f"{done:,} of {size} in {scanned.seconds:.1f} s, {done / scanned.seconds:,.0f} tiles/s"
        f"{resumed}",
    )
    candidates = [each for found in scanned.candidates.values() for each in found]
    counts = dict.fromkeys(sorted({each.class_name for each in candidates}), 0)
    for each in candidates:
        counts[each.class_name] += 1
    by_class = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    _print(
        console,
        "found",
        f"{len(candidates):,} candidates in {scanned.with_signal:,} tiles"
        f"{': ' if by_class else ''}{by_class}",
    )


def _print(console: Console, name: str, text: Any) -> None:
    console.print(f"{name:<9}{text}" if name else text, markup=False)
