"""The verdict over all parts: what refuses the data, what is worth a warning, what is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from data.invalid import InvalidData
from data.reading.formats.format import Labels, Source
from data.reading.inventory import Inventory
from data.reading.labels import BAD
from data.reading.layout import Layout, Tolerance
from data.reading.problems import Problem, listed
from data.reading.scan import Scan
from data.seed_layout import SPLITS


@dataclass
class Findings:
    """The verdict.

    Attributes:
      errors: why the data are refused; none if they are not.
      warnings: what is odd.
      dropped: rows left out instead of refusing the data, with the reason.
      dropped_rows: the same as 0-based rows of a source, by its path of images.
      counts: images that are left, by split and class name.
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
        """Images that are left, by split."""
        return {split: sum(by_class.values()) for split, by_class in self.counts.items()}

    def raise_errors(self, folder: str) -> None:
        """Refuse the data if there are errors.

        Raises:
          InvalidData: listing them.
        """
        if self.errors:
            raise InvalidData(self.message(folder))

    def message(self, folder: str) -> str:
        """The errors in words."""
        heading = f"{len(self.errors):,} problems in {folder}:"
        return "\n".join(filter(None, [listed(self.errors, heading), self.remedy]))


def judge(
    inventory: Inventory,
    labels: Iterable[Labels | None],
    scans: Sequence[Scan],
    layout: Layout,
    tolerance: Tolerance,
) -> Findings:
    """Bring together what was found in all parts.

    Args:
      inventory: what there is to read.
      labels: of every source that keeps them apart.
      scans: of every part, in any order.
      layout: what the data must look like.
      tolerance: what is let pass.
    """
    order = {part: number for number, part in enumerate(inventory.parts)}
    scans = sorted(scans, key=lambda scan: order[scan.part])
    labels = [found for found in labels if found is not None]
    whole_files = [*inventory.problems]
    row_problems: dict[tuple[str, int], Problem] = {}  # by path of images and row in the source
    for scan in scans:
        if scan.broken and scan.broken not in whole_files:
            whole_files.append(scan.broken)
        for problem in scan.problems:
            row = problem.row - scan.part.row_offset
            row_problems[scan.part.source.images, row] = problem
    for found in labels:
        _add_label_problems(found, row_problems, whole_files)
        whole_files += _unequal(found, scans)
    bad = {scan.part: scan.bad | (scan.labels == BAD) for scan in scans}
    warnings = _repeated_within(scans, bad)
    leaks = _repeated_across(scans, bad)
    if tolerance.allow_duplicates:
        warnings += leaks.values()
    else:
        row_problems |= leaks

    findings = Findings(warnings=sorted(warnings))
    if len(row_problems) <= tolerance.max_bad_rows:
        findings.dropped = sorted(row_problems.values())
        for path, row in row_problems:
            findings.dropped_rows.setdefault(path, set()).add(row)
        row_problems = {}
    findings.counts = _counts(scans, findings.dropped_rows, layout)
    if not whole_files:
        # A row without a known label could be of any class.
        unknown = {
            scan.part.source.split
            for scan in scans
            for row in np.flatnonzero(scan.labels == BAD)
            if (scan.part.source.images, scan.first_row + row) in row_problems
        }
        whole_files += _absent(findings.counts, inventory.sources, unknown)
    findings.errors = [*sorted(whole_files), *sorted(row_problems.values())]
    findings.remedy = _remedy(len(row_problems), len(leaks), tolerance)
    return findings


def _add_label_problems(
    found: Labels, rows: dict[tuple[str, int], Problem], whole_files: list[Problem]
) -> None:
    in_rows = [problem for problem in found.problems if problem.row]
    whole_files += [problem for problem in found.problems if not problem.row]
    # Bad labels and their problems are in the same order, one for one.
    for row, problem in zip(np.flatnonzero(found.index == BAD).tolist(), in_rows, strict=True):
        rows.setdefault((found.source.images, row), problem)


def _unequal(found: Labels, scans: Sequence[Scan]) -> list[Problem]:
    """Images and labels that differ in number."""
    own = [scan for scan in scans if scan.part.source == found.source]
    if any(scan.broken for scan in own) or any(not problem.row for problem in found.problems):
        return []
    images = sum(len(scan.labels) for scan in own)
    if not own or images == len(found.index):
        return []
    text = (
        f"has {images:,} rows but {found.source.labels} has {len(found.index):,}. "
        "Row n of one belongs to row n of the other, so both must have the same number."
    )
    return [Problem(found.source.images, 0, 0, text)]


def _all_rows(scans: Sequence[Scan], bad: dict, split: str):
    """Digests, and (number of scan, row in part), of the good rows of a split."""
    digests, places = [np.zeros(0, np.uint64)], [np.zeros((0, 2), np.int64)]
    for number, scan in enumerate(scans):
        if scan.part.source.split == split:
            rows = np.flatnonzero(~bad[scan.part])
            digests.append(scan.digests[rows])
            places.append(np.stack([np.full(len(rows), number), rows], axis=1))
    return np.concatenate(digests), np.concatenate(places)


def _repeated_within(scans: Sequence[Scan], bad: dict) -> list[Problem]:
    """A warning for every row that repeats an earlier one of its split."""
    warnings = []
    for split in SPLITS:
        digests, places = _all_rows(scans, bad, split)
        _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
        for row in np.flatnonzero(first[inverse] != np.arange(len(digests))).tolist():
            earlier = places[first[inverse[row]]]
            warnings.append(_repeats(scans, places[row], earlier, ""))
    return warnings


def _repeated_across(scans: Sequence[Scan], bad: dict) -> dict[tuple[str, int], Problem]:
    """A problem for every row of validation that is in training too, by images and row."""
    known, known_places = _all_rows(scans, bad, SPLITS[0])
    digests, places = _all_rows(scans, bad, SPLITS[1])
    order = np.argsort(known, kind="stable")
    at = np.searchsorted(known, digests, sorter=order)
    at = order[np.minimum(at, len(order) - 1)] if len(order) else np.zeros(0, np.int64)
    found = {}
    for row in np.flatnonzero(known[at] == digests).tolist() if len(order) else ():
        scan, in_part = scans[places[row][0]], int(places[row][1])
        found[scan.part.source.images, scan.first_row + in_part] = _repeats(
            scans,
            places[row],
            known_places[at[row]],
            " A model is not to be judged by what it was trained on.",
        )
    return found


def _repeats(scans: Sequence[Scan], place: np.ndarray, earlier: np.ndarray, why: str) -> Problem:
    scan, row = scans[place[0]], int(place[1])
    other, other_row = scans[earlier[0]], int(earlier[1])
    text = (
        f"the spectrogram is the same as that of {other.part.source.images}, row "
        f"{other.number_in_file(other_row)}."
    )
    if scan.labels[row] != other.labels[other_row]:
        text = text[:-1] + ", and the label is not."
    return Problem(scan.part.source.images, scan.number_in_file(row), 0, text + why)


def _counts(
    scans: Sequence[Scan], dropped: dict[str, set[int]], layout: Layout
) -> dict[str, dict[str, int]]:
    counts = {split: np.zeros(len(layout.classes), np.int64) for split in SPLITS}
    for scan in scans:
        labels = scan.labels.copy()
        gone = dropped.get(scan.part.source.images, set())
        here = [row - scan.first_row for row in gone]
        labels[[row for row in here if 0 <= row < len(labels)]] = BAD
        counts[scan.part.source.split] += np.bincount(
            labels[labels != BAD], minlength=len(layout.classes)
        )
    return {
        split: dict(zip(layout.classes, by_class.tolist(), strict=True))
        for split, by_class in counts.items()
    }


def _absent(
    counts: dict[str, dict[str, int]], sources: Sequence[Source], unknown: set[str]
) -> list[Problem]:
    problems = []
    for split, by_class in counts.items():
        if split in unknown:
            continue
        absent = [name for name, count in by_class.items() if not count]
        paths = sorted({source.labels for source in sources if source.split == split})
        if absent and paths:
            text = (
                f"has no image of the class {' and none of '.join(absent)}. Every split needs some "
                "of each class; set classes to those that there are."
            )
            problems.append(Problem(paths[0], 0, 0, text))
    return problems


def _remedy(bad_rows: int, leaks: int, tolerance: Tolerance) -> str:
    if not bad_rows:
        return ""
    if bad_rows == leaks:
        return "Remove them from one of the two, or allow it: --allow-duplicates."
    if tolerance.max_bad_rows:
        return f"Bad rows are {bad_rows:,}; --max-bad-rows allows {tolerance.max_bad_rows:,}."
    if bad_rows == 1:
        return ""
    return f"Correct these rows, or leave them out: --max-bad-rows {bad_rows}."
