"""Judges the data by what was found in all chunks: errors, warnings, rows to drop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from data.invalid import InvalidData, escape
from data.reading.formats.format import Labels, Source
from data.reading.inventory import Inventory
from data.reading.judging.division import RowFlags, are_in_split, hold_out
from data.reading.judging.repeats import (
    RowProblems,
    find_repeats_across_splits,
    find_repeats_within_splits,
    select_rows,
)
from data.reading.labels import BAD
from data.reading.layout import Layout, Tolerance
from data.reading.problems import Problem, list_problems
from data.reading.scan import Scan
from data.seed_layout import SPLITS, TEST, TRAIN, VALIDATION


@dataclass
class Findings:
    """What was found in all chunks.

    Attributes:
      errors: why the data are refused; empty if they are not.
      warnings: what is unusual.
      dropped: rows that are dropped instead of refusing the data, each with the reason.
      dropped_rows: the same as 0-based rows of a source, by its path of images.
      validation_rows: of data that are divided, the rows for validation, in the same way, sorted.
      remarks: what was done with some rows, with their number.
      counts: number of images that remain, by split and class name.
      remedy: what else could be done about the errors.
    """

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    dropped: list[Problem] = field(default_factory=list)
    dropped_rows: dict[str, set[int]] = field(default_factory=dict)
    validation_rows: dict[str, list[int]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    remedy: str = ""

    @property
    def images(self) -> dict[str, int]:
        """Number of images that remain, by split."""
        return {split: sum(by_class.values()) for split, by_class in self.counts.items()}

    def raise_errors(self, folder: str) -> None:
        """Refuse the data if there are errors.

        Raises:
          InvalidData: with a list of the errors.
        """
        if self.errors:
            raise InvalidData(self.describe(folder))

    def describe(self, folder: str) -> str:
        """Return the errors in words."""
        heading = f"{len(self.errors):,} problems in {escape(folder)}:"
        return "\n".join(filter(None, [list_problems(self.errors, heading), self.remedy]))


def judge(
    inventory: Inventory,
    labels: Iterable[Labels | None],
    scans: Sequence[Scan],
    layout: Layout,
    tolerance: Tolerance,
) -> Findings:
    """Combine what was found in all chunks.

    Args:
      inventory: what there is to read.
      labels: of every source; None where they come with the rows.
      scans: of every chunk, in any order.
      layout: what the data must look like.
      tolerance: which faults do not refuse the data.
    """
    order = {chunk: number for number, chunk in enumerate(inventory.chunks)}
    scans = sorted(scans, key=lambda scan: order[scan.chunk])
    file_problems, row_problems = _collect(inventory, labels, scans)
    good = {scan.chunk: ~scan.bad & (scan.labels != BAD) for scan in scans}
    held_out = hold_out(scans, good, inventory.division)
    rows = {split: select_rows(scans, good, held_out, split) for split in SPLITS}
    findings = Findings(
        warnings=find_repeats_within_splits(scans, rows), remarks=_sum_remarks(scans)
    )
    leaks = find_repeats_across_splits(scans, rows)
    if tolerance.allow_duplicates:
        findings.warnings += leaks.values()
    else:
        row_problems |= leaks
    findings.warnings.sort()

    if len(row_problems) <= tolerance.max_bad_rows:
        findings.dropped = sorted(row_problems.values())
        for path, row in row_problems:
            findings.dropped_rows.setdefault(path, set()).add(row)
        row_problems = {}
    if inventory.division.fraction:
        findings.validation_rows = _list_rows(scans, held_out)
    findings.counts = _count_images(inventory, scans, held_out, findings.dropped_rows, layout)
    if not file_problems:
        file_problems = _find_missing_classes(inventory, scans, findings.counts, row_problems)
    findings.errors = [*sorted(file_problems), *sorted(row_problems.values())]
    findings.remedy = _advise(len(row_problems), len(leaks), tolerance)
    return findings


def _collect(
    inventory: Inventory, labels: Iterable[Labels | None], scans: Sequence[Scan]
) -> tuple[list[Problem], RowProblems]:
    """Return the problems of whole files and those of rows."""
    file_problems = [*inventory.problems]
    row_problems: RowProblems = {}
    broken: set[Source] = set()
    for scan in scans:
        if scan.broken and scan.broken not in file_problems:
            file_problems.append(scan.broken)
        if scan.chunk.source in broken:  # the numbers of its rows are not known
            continue
        if scan.broken:
            broken.add(scan.chunk.source)
        for fault in scan.faults:
            place = scan.chunk.source.images, scan.first_row + fault.row
            row_problems[place] = scan.describe(fault.row, fault.text, fault.column)
    for source_labels in labels:
        if source_labels is None:
            continue
        file_problems += [problem for problem in source_labels.problems if not problem.row]
        # Bad labels and their problems correspond one to one, in the same order.
        bad = np.flatnonzero(source_labels.index == BAD).tolist()
        in_rows = [problem for problem in source_labels.problems if problem.row]
        for row, problem in zip(bad, in_rows, strict=True):
            row_problems.setdefault((source_labels.source.images, row), problem)
        file_problems += _compare_counts(source_labels, scans)
    return file_problems, row_problems


def _compare_counts(labels: Labels, scans: Sequence[Scan]) -> list[Problem]:
    """Return a problem if a source has more images than labels, or fewer."""
    own = [scan for scan in scans if scan.chunk.source == labels.source]
    if any(scan.broken for scan in own) or any(not problem.row for problem in labels.problems):
        return []
    images = sum(len(scan.labels) for scan in own)
    if not own or images == len(labels.index):
        return []
    text = (
        f"has {images:,} rows but {escape(labels.source.labels)} has {len(labels.index):,}. "
        "Row n of one belongs to row n of the other, so both must have the same number."
    )
    return [Problem(labels.source.images, 0, 0, text)]


def _list_rows(scans: Sequence[Scan], flags: RowFlags) -> dict[str, list[int]]:
    """Return the 0-based numbers of rows in their source, by the path of its images, sorted."""
    listed: dict[str, list[int]] = {}
    for scan in scans:
        rows = np.flatnonzero(flags[scan.chunk]) + scan.first_row
        listed.setdefault(scan.chunk.source.images, []).extend(rows.tolist())
    return listed


def _sum_remarks(scans: Sequence[Scan]) -> list[str]:
    total: Counter[str] = Counter()
    for scan in scans:
        total.update(scan.remarks)
    return [f"{text}: {rows:,}" for text, rows in sorted(total.items())]


def _count_images(
    inventory: Inventory,
    scans: Sequence[Scan],
    held_out: RowFlags,
    dropped_rows: Mapping[str, set[int]],
    layout: Layout,
) -> dict[str, dict[str, int]]:
    counts = {split: np.zeros(len(layout.classes), np.int64) for split in inventory.splits}
    for scan in scans:
        source, rows = scan.chunk.source, scan.first_row + np.arange(len(scan.labels))
        kept = scan.labels != BAD
        kept &= ~np.isin(rows, sorted(dropped_rows.get(source.images, ())))
        for split in counts:
            own = kept & are_in_split(scan.chunk, held_out[scan.chunk], split)
            counts[split] += np.bincount(scan.labels[own], minlength=len(layout.classes))
    return {
        split: dict(zip(layout.classes, by_class.tolist(), strict=True))
        for split, by_class in counts.items()
    }


def _find_missing_classes(
    inventory: Inventory,
    scans: Sequence[Scan],
    counts: Mapping[str, Mapping[str, int]],
    row_problems: RowProblems,
) -> list[Problem]:
    """Return a problem for every split that lacks a class."""
    # A row without a known label could be of any class.
    unknown = {
        scan.chunk.source.split
        for scan in scans
        for row in np.flatnonzero(scan.labels == BAD)
        if (scan.chunk.source.images, scan.first_row + row) in row_problems
    }
    if inventory.division.fraction:
        return _find_undivided_classes(counts, inventory.sources, unknown)
    return _find_absent_classes(counts, inventory.sources, unknown)


def _find_absent_classes(
    counts: Mapping[str, Mapping[str, int]], sources: Sequence[Source], unknown: set[str]
) -> list[Problem]:
    """Return a problem for every split that lacks a class, except splits with unknown labels."""
    problems = []
    for split, by_class in counts.items():
        if split in unknown:
            continue
        absent = [name for name, count in by_class.items() if not count]
        paths = sorted({source.labels for source in sources if source.split == split})
        if absent and paths:
            text = (
                f"has no image of the class {' and none of '.join(absent)}. Every split needs some "
                "of each class; set classes to those in the data."
            )
            problems.append(Problem(paths[0], 0, 0, text))
    return problems


def _find_undivided_classes(
    counts: Mapping[str, Mapping[str, int]], sources: Sequence[Source], unknown: set[str]
) -> list[Problem]:
    """Return a problem if a class cannot be divided, unless there are unknown labels."""
    path = min(source.labels for source in sources)
    by_files = {split: counts[split] for split in (TRAIN, TEST) if split in counts}
    problems = _find_absent_classes(by_files, sources, unknown)
    few = [name for name, count in counts[VALIDATION].items() if not count and counts[TRAIN][name]]
    if few and not unknown:
        text = (
            f"has only one spectrogram of the class {' and only one of '.join(few)}, which cannot "
            "be both in training and in validation. Add others, or set classes to those in the "
            "data."
        )
        problems.append(Problem(path, 0, 0, text))
    return problems


def _advise(bad_rows: int, leaks: int, tolerance: Tolerance) -> str:
    if not bad_rows:
        return ""
    if bad_rows == leaks:
        return "Remove them from one of the two, or allow it: --allow-duplicates."
    if tolerance.max_bad_rows:
        return f"There are {bad_rows:,} bad rows; --max-bad-rows allows {tolerance.max_bad_rows:,}."
    if bad_rows == 1:
        return ""
    return f"Correct these rows, or leave them out: --max-bad-rows {bad_rows}."
