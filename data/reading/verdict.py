"""Judges the data by what was found in all chunks: errors, warnings, rows to drop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData, escape
from data.reading.formats.format import Chunk, Labels, Source
from data.reading.inventory import Inventory
from data.reading.labels import BAD
from data.reading.layout import Layout, Tolerance
from data.reading.problems import Problem, list_problems
from data.reading.scan import Scan
from data.seed_layout import SPLITS

RowProblems = dict[tuple[str, int], Problem]
"""By path of the images and 0-based row of the source."""


@dataclass
class Findings:
    """What was found in all chunks.

    Attributes:
      errors: why the data are refused; empty if they are not.
      warnings: what is unusual.
      dropped: rows that are dropped instead of refusing the data, each with the reason.
      dropped_rows: the same as 0-based rows of a source, by its path of images.
      counts: number of images that remain, by split and class name.
      remedy: what else could be done about the errors.
    """

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    dropped: list[Problem] = field(default_factory=list)
    dropped_rows: dict[str, set[int]] = field(default_factory=dict)
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
    bad = {scan.chunk: scan.bad | (scan.labels == BAD) for scan in scans}
    findings = Findings(warnings=_find_repeats_within_splits(scans, bad))
    leaks = _find_repeats_across_splits(scans, bad)
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
    findings.counts = _count_images(scans, findings.dropped_rows, layout)
    if not file_problems:
        # A row without a known label could be of any class.
        unknown = {
            scan.chunk.source.split
            for scan in scans
            for row in np.flatnonzero(scan.labels == BAD)
            if (scan.chunk.source.images, scan.first_row + row) in row_problems
        }
        file_problems = _find_absent_classes(findings.counts, inventory.sources, unknown)
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
        for problem in scan.problems:
            row = problem.row - scan.chunk.row_offset
            row_problems[scan.chunk.source.images, row] = problem
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


def _select_good_rows(
    scans: Sequence[Scan], bad: Mapping[Chunk, NDArray[np.bool_]], split: str
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return digests [rows] and (number of scan, row in chunk) [rows, 2] of a split's good rows."""
    digests, places = [np.zeros(0, np.uint64)], [np.zeros((0, 2), np.int64)]
    for number, scan in enumerate(scans):
        if scan.chunk.source.split == split:
            rows = np.flatnonzero(~bad[scan.chunk])
            digests.append(scan.digests[rows])
            places.append(np.stack([np.full(len(rows), number), rows], axis=1))
    return np.concatenate(digests), np.concatenate(places)


def _find_repeats_within_splits(
    scans: Sequence[Scan], bad: Mapping[Chunk, NDArray[np.bool_]]
) -> list[Problem]:
    """Return a warning for every row that repeats an earlier row of its split."""
    warnings = []
    for split in SPLITS:
        digests, places = _select_good_rows(scans, bad, split)
        _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
        for row in np.flatnonzero(first[inverse] != np.arange(len(digests))).tolist():
            earlier = places[first[inverse[row]]]
            warnings.append(_describe_repeat(scans, places[row], earlier))
    return warnings


def _find_repeats_across_splits(
    scans: Sequence[Scan], bad: Mapping[Chunk, NDArray[np.bool_]]
) -> RowProblems:
    """Return a problem for every row of validation that is also in training."""
    known, known_places = _select_good_rows(scans, bad, SPLITS[0])
    digests, places = _select_good_rows(scans, bad, SPLITS[1])
    if not len(known):
        return {}
    order = np.argsort(known, kind="stable")
    position = np.searchsorted(known, digests, sorter=order)
    earlier = order[np.minimum(position, len(order) - 1)]
    repeats: RowProblems = {}
    for row in np.flatnonzero(known[earlier] == digests).tolist():
        scan, chunk_row = scans[places[row][0]], int(places[row][1])
        repeats[scan.chunk.source.images, scan.first_row + chunk_row] = _describe_repeat(
            scans,
            places[row],
            known_places[earlier[row]],
            " A model must not be evaluated on what it was trained on.",
        )
    return repeats


def _describe_repeat(
    scans: Sequence[Scan],
    place: NDArray[np.int64],
    earlier: NDArray[np.int64],
    consequence: str = "",
) -> Problem:
    scan, row = scans[place[0]], int(place[1])
    other, other_row = scans[earlier[0]], int(earlier[1])
    text = (
        f"the spectrogram is the same as that of {escape(other.chunk.source.images)}, row "
        f"{other.number_in_file(other_row)}."
    )
    if scan.labels[row] != other.labels[other_row]:
        text = text[:-1] + ", but the label differs."
    return Problem(scan.chunk.source.images, scan.number_in_file(row), 0, text + consequence)


def _count_images(
    scans: Sequence[Scan], dropped_rows: Mapping[str, set[int]], layout: Layout
) -> dict[str, dict[str, int]]:
    counts = {split: np.zeros(len(layout.classes), np.int64) for split in SPLITS}
    for scan in scans:
        labels = scan.labels.copy()
        dropped = dropped_rows.get(scan.chunk.source.images, set())
        in_chunk = [row - scan.first_row for row in dropped]
        labels[[row for row in in_chunk if 0 <= row < len(labels)]] = BAD
        counts[scan.chunk.source.split] += np.bincount(
            labels[labels != BAD], minlength=len(layout.classes)
        )
    return {
        split: dict(zip(layout.classes, by_class.tolist(), strict=True))
        for split, by_class in counts.items()
    }


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
