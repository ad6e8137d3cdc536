"""Divides data that have no validation part: which rows are for validation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.reading.formats.format import Chunk
from data.reading.layout import Division
from data.reading.scan import Scan
from data.seed_layout import TEST, TRAIN, VALIDATION

RowFlags = dict[Chunk, NDArray[np.bool_]]
"""Something that is true of some rows, bool [rows], by chunk."""


def hold_out(scans: Sequence[Scan], good: RowFlags, division: Division) -> RowFlags:
    """Return whether each row is for validation, by its file or, if no file says so, by choice.

    Rows of test files never are.

    Args:
      scans: of every chunk.
      good: whether a row has neither a fault nor a bad label. Others are never chosen.
      division: how to divide data that have no validation part.
    """
    if not division.fraction:
        return {
            scan.chunk: np.full(len(scan.labels), scan.chunk.source.split == VALIDATION)
            for scan in scans
        }
    divided = [scan for scan in scans if scan.chunk.source.split == TRAIN]
    digests = [scan.digests[good[scan.chunk]] for scan in divided]
    labels = [scan.labels[good[scan.chunk]] for scan in divided]
    chosen = choose_validation_rows(
        np.concatenate([np.zeros(0, np.uint64), *digests]),
        np.concatenate([np.zeros(0, np.int64), *labels]),
        division,
    )
    held_out = {scan.chunk: np.zeros(len(scan.labels), bool) for scan in scans}
    start = 0
    for scan in divided:
        rows = held_out[scan.chunk]
        end = start + np.count_nonzero(good[scan.chunk])
        rows[good[scan.chunk]] = chosen[start:end]
        start = end
    return held_out


def are_in_split(chunk: Chunk, held_out: NDArray[np.bool_], split: str) -> NDArray[np.bool_]:
    """Return whether each row of a chunk belongs to a split.

    Args:
      chunk: the chunk.
      held_out: bool [rows], whether a row is for validation.
      split: the split.
    """
    if TEST in (split, chunk.source.split):
        return np.full(len(held_out), split == chunk.source.split)
    return held_out == (split == VALIDATION)


def choose_validation_rows(
    digests: NDArray[np.uint64], labels: NDArray[np.int64], division: Division
) -> NDArray[np.bool_]:
    """Choose the rows for validation: of each class the same fraction of its spectrograms.

    Only the content of a spectrogram and the seed decide, not where it is stored. So the order and
    the division of files do not matter, equal spectrograms are never parted, and most spectrograms
    stay where they are when others are added. Of every class with two different spectrograms or
    more, at least one is for validation and one for training.

    Args:
      digests: uint64 [rows], equal where spectrograms are equal.
      labels: int64 [rows], their class indices.
      division: fraction and seed.

    Returns:
      bool [rows].
    """
    contents, group = np.unique(digests, return_inverse=True)
    # If labels of equal spectrograms differ, the group counts for the first of these classes.
    label = np.full(len(contents), np.iinfo(np.int64).max)
    np.minimum.at(label, group, labels)
    order = _draw(contents, division.seed)
    chosen = np.zeros(len(contents), bool)
    for index in np.unique(label):
        own = np.flatnonzero(label == index)
        count = min(max(round(division.fraction * len(own)), 1), len(own) - 1)
        chosen[own[np.argsort(order[own], kind="stable")[:count]]] = True
    return chosen[group]


def _draw(contents: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Return a random number for each content, which depends on nothing but content and seed."""
    key = f"validation {seed}".encode()
    numbers = (
        hashlib.blake2b(content.tobytes(), digest_size=8, key=key).digest() for content in contents
    )
    return np.frombuffer(b"".join(numbers), np.uint64)
