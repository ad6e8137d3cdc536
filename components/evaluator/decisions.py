"""Metrics of the decision: the predicted class is the one with the highest probability.

TFMA's precision and recall of a class ask something else: whether the probability of the class
exceeds a threshold, 0.5 by default. An image whose best class has a probability of 0.4 would then
count for no class. Their `top_k=1` form asks the right question, but TFMA looks up its thresholds
under a key without a class and never finds them. These metrics therefore use the multi-class
confusion matrix, which TFMA computes anyway.

An undefined metric is NaN: the precision of a class that was never predicted, or the recall of a
class without images. Averages cover the classes that have images. An undefined precision counts
as 0 in them, as in scikit-learn with `zero_division=0`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from components.evaluator.confidence_intervals import Interval, mean_interval, wilson_interval

Counts = dict[tuple[int, int], float]
"""Number of images by (actual class, predicted class)."""


class Estimate(NamedTuple):
    """A metric and its confidence interval, both NaN where the metric is undefined."""

    value: float
    interval: Interval


_UNDEFINED = Estimate(math.nan, (math.nan, math.nan))
# What an undefined metric counts as in an average.
_ZERO = Estimate(0.0, (0.0, 1.0))


def accuracy(counts: Counts) -> Estimate:
    """Fraction of the images whose predicted class is the actual one."""
    hits = sum(n for (actual, predicted), n in counts.items() if actual == predicted)
    return _estimate_fraction(hits, sum(counts.values()))


def precision(counts: Counts, class_id: int) -> Estimate:
    """Fraction of the images predicted as one class that belong to it."""
    total = sum(n for (_, predicted), n in counts.items() if predicted == class_id)
    return _estimate_fraction(counts.get((class_id, class_id), 0.0), total)


def recall(counts: Counts, class_id: int) -> Estimate:
    """Fraction of the images of one class that are predicted as it."""
    return _estimate_fraction(counts.get((class_id, class_id), 0.0), _support(counts, class_id))


def f1(counts: Counts, class_id: int) -> Estimate:
    """Harmonic mean of precision and recall, NaN for a class that is neither actual nor predicted.

    F1 is 2 J / (1 + J), where J is the Jaccard index: of the images that are in the class or
    predicted as it, the fraction for which both hold. F1 grows with J, so the bounds of J give
    those of F1.
    """
    union = sum(n for pair, n in counts.items() if class_id in pair)
    jaccard = _estimate_fraction(counts.get((class_id, class_id), 0.0), union)
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, *jaccard.interval))
    return Estimate(value, (low, high))


def lowest_recall(counts: Counts) -> Estimate:
    """The lowest recall of any class. It has no confidence interval."""
    recalls = (recall(counts, class_id).value for class_id in _classes_with_images(counts))
    return Estimate(min(recalls, default=math.nan), _UNDEFINED.interval)


def predicted_classes(counts: Counts) -> Estimate:
    """Number of classes predicted for at least one image. It has no confidence interval."""
    predicted = {predicted for (_, predicted), n in counts.items() if n}
    return Estimate(float(len(predicted)), _UNDEFINED.interval)


def average(counts: Counts, metric: str, weighted: bool = False) -> Estimate:
    """Mean of a metric over the classes that have images.

    Args:
      counts: the confusion matrix.
      metric: a key of `CLASS_FUNCTIONS`. The mean recall is also called balanced accuracy.
      weighted: whether a class counts by its number of images. Otherwise all count the same.
    """
    if weighted and metric == "recall":
        return accuracy(counts)
    class_ids = _classes_with_images(counts)
    estimates = [CLASS_FUNCTIONS[metric](counts, class_id) for class_id in class_ids]
    if not estimates:
        return _UNDEFINED
    values, intervals = zip(
        *(_ZERO if math.isnan(estimate.value) else estimate for estimate in estimates),
        strict=True,
    )
    sizes = [_support(counts, class_id) if weighted else 1.0 for class_id in class_ids]
    weights = [size / sum(sizes) for size in sizes]
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True))
    # The recalls of different classes vary independently, and so do the precisions. But a mistake
    # lowers the F1 of two classes at once, which doubles the variance of their mean.
    variance_factor = 2.0 if metric == "f1" else 1.0
    return Estimate(mean, mean_interval(values, intervals, weights, variance_factor))


CLASS_FUNCTIONS = {"precision": precision, "recall": recall, "f1": f1}


def _support(counts: Counts, class_id: int) -> float:
    return sum(n for (actual, _), n in counts.items() if actual == class_id)


def _classes_with_images(counts: Counts) -> list[int]:
    return [i for i in sorted({actual for actual, _ in counts}) if _support(counts, i)]


def _estimate_fraction(hits: float, total: float) -> Estimate:
    if not total:
        return _UNDEFINED
    # TFMA counts in floats, which are whole: no image has a weight.
    return Estimate(hits / total, wilson_interval(round(hits), round(total)))
