"""ROC AUC and average precision: how well the probabilities separate one class from the rest.

Both are exact, as in scikit-learn, because all predictions are sorted. TFMA's AUC counts
predictions in 10,000 bins of equal width instead. These lump together the probabilities near 0
and 1, where those of a good model lie. TFMA has no average precision for classifiers. The price
is that one worker holds the probabilities of all images.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.evaluator.confidence_intervals import LEVEL

Floats = NDArray[np.float64]

RESAMPLES = 200

# Largest number of weights in memory at a time: resamples times images.
_WEIGHTS_AT_A_TIME = 4_000_000


class RankingEstimates(NamedTuple):
    """Ranking metrics with confidence intervals.

    A metric is NaN for a class without images, and for a class that all images belong to. Such
    classes are left out of the averages.

    Attributes:
      values: float [metrics, classes + averages], in the order of
        `components.evaluator.metric_names.RANKING_METRICS`, of the classes, and of `AVERAGES`.
      intervals: float [metrics, classes + averages, 2]. NaN also where all resamples agree, which
        says nothing about the width.
    """

    values: Floats
    intervals: Floats


def measure_ranking(labels: NDArray[np.int64], probabilities: NDArray[Any]) -> RankingEstimates:
    """Return the ranking metrics of predictions, with intervals from a Poisson bootstrap.

    In each of 200 resamples an image counts 0, 1, 2 or more times, independently of the others.
    The result does not depend on the order of the images.

    Args:
      labels: int [N] class indices, N at least 1.
      probabilities: float [N, classes].
    """
    # Beam gives the images in any order, but the resamples must be the same each time.
    order = np.lexsort((labels, *probabilities.T))
    labels, probabilities = labels[order], probabilities[order]
    # [1 + resamples, metrics, classes]; the first is the sample itself.
    by_class = np.concatenate(
        [_measure(weights, labels, probabilities) for weights in _generate_weights(len(labels))]
    )
    support = np.bincount(labels, minlength=probabilities.shape[1]).astype(float)
    averages = [_average(by_class, np.ones_like(support)), _average(by_class, support)]
    values = np.concatenate([by_class, np.stack(averages, axis=2)], axis=2)
    return RankingEstimates(values[0], _bootstrap_interval(values[1:]))


def _generate_weights(images: int) -> Iterator[Floats]:
    """Yield how often each image counts, float [resamples, images]: first once, then at random."""
    yield np.ones((1, images))
    random = np.random.default_rng(0)
    at_a_time = max(1, _WEIGHTS_AT_A_TIME // max(1, images))
    for start in range(0, RESAMPLES, at_a_time):
        shape = (min(at_a_time, RESAMPLES - start), images)
        yield random.poisson(1.0, shape).astype(float)


def _measure(weights: Floats, labels: NDArray[np.int64], probabilities: NDArray[Any]) -> Floats:
    """Return AUC and average precision, float [resamples, 2, classes]."""
    by_class = []
    for class_id, scores in enumerate(probabilities.T):
        order = np.argsort(-scores, kind="stable")
        # Images with equal scores cannot be ranked: only sums over all of them count.
        last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
        ranked, is_class = weights[:, order], labels[order] == class_id
        true_positives = np.cumsum(ranked * is_class, axis=1)[:, last]
        false_positives = np.cumsum(ranked * ~is_class, axis=1)[:, last]
        new_positives = np.diff(true_positives, axis=1, prepend=0)
        # A positive beats the negatives with lower scores and half of those with the same score.
        ties = np.diff(false_positives, axis=1, prepend=0)
        beaten = false_positives[:, -1:] - false_positives + ties / 2
        positives, negatives = true_positives[:, -1], false_positives[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            auc = (new_positives * beaten).sum(axis=1) / (positives * negatives)
            precision = np.nan_to_num(true_positives / (true_positives + false_positives))
            average_precision = (new_positives * precision).sum(axis=1) / positives
        by_class.append([auc, average_precision])
    return np.moveaxis(np.array(by_class), 2, 0).swapaxes(1, 2)


def _average(values: Floats, weight: Floats) -> Floats:
    """Return the weighted mean over classes, float [1 + resamples, metrics].

    Args:
      values: float [1 + resamples, metrics, classes].
      weight: float [classes]. Classes without metrics in the sample itself do not count.
    """
    weight = np.where(np.isnan(values[0]).any(axis=0), 0, weight)
    if not weight.any():
        return np.full(values.shape[:2], np.nan)
    mean: Floats = (values * weight).sum(axis=2, where=weight > 0) / weight.sum()
    return mean


def _bootstrap_interval(resampled: Floats) -> Floats:
    """Return the bounds of the middle `LEVEL` of the resamples, [..., 2], of [resamples, ...]."""
    tail = (1 - LEVEL) / 2
    # A resample that lacks a class has no metric for it.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        bounds = np.moveaxis(np.nanquantile(resampled, [tail, 1 - tail], axis=0), 0, -1)
        spread = np.nanmax(resampled, axis=0) - np.nanmin(resampled, axis=0)
    return np.where(spread[..., np.newaxis] > 0, bounds, np.nan)
