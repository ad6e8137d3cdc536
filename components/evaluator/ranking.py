"""How well probabilities separate one class from the rest: ROC AUC and average precision.

Exact, as scikit-learn computes them, by sorting all predictions. TFMA's AUC counts predictions in
10,000 bins of equal width instead, which lumps together the probabilities near 0 and 1 where those
of a good model are, and it has no average precision for classifiers. The price is that a worker
holds a number for every example and class.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from components.evaluator.confidence_intervals import LEVEL, Interval
from components.evaluator.metric_names import RANKING_FIGURES

RESAMPLES = 200

# Weights that are held at a time: resamples times predictions.
_WEIGHTS_AT_A_TIME = 4_000_000


class Ranking(NamedTuple):
    """Figures of each class, and their means; NaN where a class is all there is, or missing.

    Attributes:
      auc, average_precision: float [classes].
      auc_interval, average_precision_interval: float [classes, 2], the LEVEL in the middle of the
        resamples' figures; NaN also where all resamples agree, which says nothing.
      macro, weighted: means of the two figures over the classes that have them, all classes
        alike, or by their examples, each with its interval.
    """

    auc: np.ndarray
    auc_interval: np.ndarray
    average_precision: np.ndarray
    average_precision_interval: np.ndarray
    macro: dict[str, tuple[float, Interval]]
    weighted: dict[str, tuple[float, Interval]]


def ranking(labels: np.ndarray, probabilities: np.ndarray) -> Ranking:
    """Return the figures of predictions, with intervals by a Poisson bootstrap.

    In each of 200 resamples an example counts 0, 1, 2 or more times, independently of the others.
    The order in which examples come changes nothing.

    Args:
      labels: int [N] class indices; N is above 0.
      probabilities: float [N, classes].
    """
    # The order of examples is Beam's to choose, and the resamples are to be the same each time.
    order = np.lexsort((labels, *probabilities.T))
    labels, probabilities = labels[order], probabilities[order]
    classes = probabilities.shape[1]
    # [1 + resamples, figures, classes]; the first is the sample itself.
    values = np.concatenate(
        [_figures(weights, labels, probabilities) for weights in _weights(len(labels))]
    )
    support = np.bincount(labels, minlength=classes).astype(float)
    defined = ~np.isnan(values[0]).any(axis=0)
    means = {}
    for name, weight in (("macro", np.ones(classes)), ("weighted", support)):
        weight = np.where(defined, weight, 0)
        total = weight.sum()
        mean = (
            (values * weight).sum(axis=2, where=defined) / total
            if total
            else np.full(values.shape[:2], np.nan)
        )
        means[name] = {
            figure: (float(mean[0, i]), tuple(_interval(mean[:, i])))
            for i, figure in enumerate(RANKING_FIGURES)
        }
    return Ranking(
        auc=values[0, 0],
        auc_interval=_interval(values[:, 0]),
        average_precision=values[0, 1],
        average_precision_interval=_interval(values[:, 1]),
        **means,
    )


def _weights(examples: int) -> Iterator[np.ndarray]:
    """Yield how often each example counts, float [resamples, examples], first once each."""
    yield np.ones((1, examples))
    random = np.random.default_rng(0)
    at_a_time = max(1, _WEIGHTS_AT_A_TIME // max(1, examples))
    for start in range(0, RESAMPLES, at_a_time):
        shape = (min(at_a_time, RESAMPLES - start), examples)
        yield random.poisson(1.0, shape).astype(float)


def _figures(weights: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return AUC and average precision, float [resamples, 2, classes]."""
    by_class = []
    for class_id, scores in enumerate(probabilities.T):
        order = np.argsort(-scores, kind="stable")
        # Equal scores cannot be told apart: only sums over all of them count.
        last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
        ranked, hit = weights[:, order], labels[order] == class_id
        true = np.cumsum(ranked * hit, axis=1)[:, last]
        false = np.cumsum(ranked * ~hit, axis=1)[:, last]
        new = np.diff(true, axis=1, prepend=0)
        # A hit is ahead of the false ones still to come, and of half of those it ties with.
        ties = np.diff(false, axis=1, prepend=0)
        behind = false[:, -1:] - false + ties / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            auc = (new * behind).sum(axis=1) / (true[:, -1] * false[:, -1])
            found = np.nan_to_num(true / (true + false))
            precision = (new * found).sum(axis=1) / true[:, -1]
        by_class.append([auc, precision])
    return np.moveaxis(np.array(by_class), 2, 0).swapaxes(1, 2)


def _interval(values: np.ndarray) -> np.ndarray:
    """Return the bounds of the resamples' middle, [..., 2], of values [1 + resamples, ...]."""
    resampled = values[1:]
    tail = (1 - LEVEL) / 2
    # A resample may lack a class altogether, and has no figure then.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        bounds = np.moveaxis(np.nanquantile(resampled, [tail, 1 - tail], axis=0), 0, -1)
        spread = np.nanmax(resampled, axis=0) - np.nanmin(resampled, axis=0)
    return np.where(spread[..., np.newaxis] > 0, bounds, np.nan)
