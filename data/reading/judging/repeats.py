"""Finds spectrograms that are equal, within a split and across splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from data.reading.judging.division import RowFlags, are_in_split
from data.reading.problems import Problem, name_row
from data.reading.scan import Scan
from data.seed_layout import SPLITS, TEST, TRAIN, VALIDATION

# By split: another that must not have the same spectrograms, and why.
_APART = (
    (VALIDATION, TRAIN, "A model must not be evaluated on what it was trained on."),
    (TEST, VALIDATION, "A model must not be tested on what its epoch was chosen by."),
    (TEST, TRAIN, "A model must not be evaluated on what it was trained on."),
)

Selected = tuple[NDArray[np.uint64], NDArray[np.int64]]
"""Digests of rows [rows], and their places, (number of scan, row in chunk) [rows, 2]."""

RowProblems = dict[tuple[str, int], Problem]
"""By path of the images and 0-based row of the source."""


def select_rows(scans: Sequence[Scan], good: RowFlags, held_out: RowFlags, split: str) -> Selected:
    """Return the good rows of a split."""
    digests, places = [np.zeros(0, np.uint64)], [np.zeros((0, 2), np.int64)]
    for number, scan in enumerate(scans):
        own = are_in_split(scan.chunk, held_out[scan.chunk], split)
        rows = np.flatnonzero(good[scan.chunk] & own)
        digests.append(scan.digests[rows])
        places.append(np.stack([np.full(len(rows), number), rows], axis=1))
    return np.concatenate(digests), np.concatenate(places)


def find_repeats_within_splits(
    scans: Sequence[Scan], rows: Mapping[str, Selected]
) -> list[Problem]:
    """Return a warning for every row that repeats an earlier row of its split."""
    warnings = []
    for split in SPLITS:
        digests, places = rows[split]
        _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
        for row in np.flatnonzero(first[inverse] != np.arange(len(digests))).tolist():
            earlier = places[first[inverse[row]]]
            warnings.append(_describe_repeat(scans, places[row], earlier))
    return warnings


def find_repeats_across_splits(scans: Sequence[Scan], rows: Mapping[str, Selected]) -> RowProblems:
    """Return a problem for every row of validation or test that is also in another split."""
    repeats: RowProblems = {}
    for split, other, reason in _APART:
        known, known_places = rows[other]
        digests, places = rows[split]
        if not len(known) or not len(digests):
            continue
        order = np.argsort(known, kind="stable")
        position = np.searchsorted(known, digests, sorter=order)
        earlier = order[np.minimum(position, len(order) - 1)]
        for row in np.flatnonzero(known[earlier] == digests).tolist():
            scan, chunk_row = scans[places[row][0]], int(places[row][1])
            repeats[scan.chunk.source.images, scan.first_row + chunk_row] = _describe_repeat(
                scans, places[row], known_places[earlier[row]], f" {reason}"
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
    path, number = other.chunk.locate(other.first_row + other_row)
    earlier_place = name_row(path, number, bool(other.chunk.names))
    text = f"the spectrogram is the same as that of {earlier_place}."
    if scan.labels[row] != other.labels[other_row]:
        text = text[:-1] + ", but the label differs."
    return scan.describe(row, text + consequence)
