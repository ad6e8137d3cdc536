"""Figures of the decision itself: the class of the highest probability.

TFMA's own precision and recall by class ask whether a class's probability exceeds a threshold,
one half by default, which is another question: an example whose best class has 0.4 would count
for no class. Their `top_k=1` form answers ours, but thresholds for it are looked up under a key
without class and are never found. So these read the multi-class confusion matrix, which TFMA
computes anyway.

What cannot be said is NaN: the precision of a class that was never predicted, the recall of one
that no example is of. Averages are over the classes that examples are of, and a precision that
cannot be said counts as 0 in them, as scikit-learn has it with `zero_division=0`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from components.evaluator.confidence_intervals import Interval, mean_interval, wilson

# Counts by (actual class, predicted class).
Counts = dict[tuple[int, int], float]


class Estimate(NamedTuple):
    """A figure, and where that of unlimited images of the same kind lies with 95 % confidence."""

    value: float
    interval: Interval


def accuracy(counts: Counts) -> Estimate:
    """Part of the examples whose most probable class is the actual one."""
    hits = sum(n for (actual, said), n in counts.items() if actual == said)
    return _part(hits, sum(counts.values()))


def precision(counts: Counts, class_id: int) -> Estimate:
    """Of the examples taken for one class, the part that belongs to it."""
    said_so = sum(n for (_, said), n in counts.items() if said == class_id)
    return _part(counts.get((class_id, class_id), 0.0), said_so)


def recall(counts: Counts, class_id: int) -> Estimate:
    """Of the examples of one class, the part taken for it."""
    return _part(counts.get((class_id, class_id), 0.0), _support(counts, class_id))


def f1(counts: Counts, class_id: int) -> Estimate:
    """Harmonic mean of precision and recall, NaN for a class that nothing is of or taken for."""
    either = sum(n for pair, n in counts.items() if class_id in pair)
    hits = counts.get((class_id, class_id), 0.0)
    # It grows with the part of those in the class or taken for it that are both, so the bounds of
    # that part are its own.
    part = _part(hits, either)
    return Estimate(_f1_of_overlap(part.value), tuple(map(_f1_of_overlap, part.interval)))


def lowest_recall(counts: Counts) -> Estimate:
    """The recall of the class that is recognised worst. It has no interval of its own."""
    lowest = min((recall(counts, i).value for i in _present(counts)), default=math.nan)
    return Estimate(lowest, (math.nan, math.nan))


def average(counts: Counts, figure: str, weighted: bool = False) -> Estimate:
    """Mean over the classes that examples are of.

    Args:
      figure: precision, recall or f1. The mean recall is also called balanced accuracy.
      weighted: whether classes count by their examples, or all alike.
    """
    if weighted and figure == "recall":
        return accuracy(counts)
    present = list(_present(counts))
    parts = [BY_CLASS[figure](counts, class_id) for class_id in present]
    if not parts:
        return Estimate(math.nan, (math.nan, math.nan))
    values = [0.0 if math.isnan(part.value) else part.value for part in parts]
    intervals = [(0.0, 1.0) if math.isnan(part.value) else part.interval for part in parts]
    sizes = [_support(counts, class_id) if weighted else 1.0 for class_id in present]
    weights = [size / sum(sizes) for size in sizes]
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True))
    # Recalls of different classes vary independently, and so do precisions. But a mistake lowers
    # the F1 of two classes at once, so the variance of their mean is twice what it would be.
    return Estimate(mean, mean_interval(values, intervals, weights, 2.0 if figure == "f1" else 1.0))


BY_CLASS = {"precision": precision, "recall": recall, "f1": f1}


def _support(counts: Counts, class_id: int) -> float:
    return sum(n for (actual, _), n in counts.items() if actual == class_id)


def _present(counts: Counts) -> Iterator[int]:
    return (i for i in sorted({actual for actual, _ in counts}) if _support(counts, i))


def _part(hits: float, of: float) -> Estimate:
    if not of:
        return Estimate(math.nan, (math.nan, math.nan))
    return Estimate(hits / of, wilson(hits, of))


def _f1_of_overlap(overlap: float) -> float:
    return 2 * overlap / (1 + overlap)
