"""Confidence intervals of metrics that are measured on a sample of images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.stats import binomtest

LEVEL = 0.95

Interval = tuple[float, float]
"""Lower and upper bound."""


# SciPy computes a p-value as well, which takes longer than the interval.
@cache
def wilson_interval(hits: int, total: int) -> Interval:
    """Return Wilson's score interval of the fraction `hits / total`.

    Unlike the normal approximation and the bootstrap, it has a width even if every image is a
    hit: 200 hits out of 200 are compatible with a fraction of 0.981.

    Args:
      hits: number of hits.
      total: number of images, at least 1.
    """
    bounds = binomtest(hits, total).proportion_ci(LEVEL, method="wilson")
    fraction = hits / total
    # If the fraction is 0 or 1, rounding may put the bound on the wrong side of it.
    low, high = max(0.0, float(bounds.low)), min(1.0, float(bounds.high))
    return min(low, fraction), max(high, fraction)


def mean_interval(
    values: Sequence[float],
    intervals: Sequence[Interval],
    weights: Sequence[float],
    variance_factor: float = 1.0,
) -> Interval:
    """Return the confidence interval of a weighted mean of metrics.

    It uses the method of variance estimates recovery (Zou and Donner, 2008). The squared distances
    of the bounds from the values add up, separately below and above the mean. Asymmetric intervals,
    such as those near 1, therefore give an asymmetric interval.

    Args:
      values: the metrics.
      intervals: the confidence interval of each.
      weights: the weight of each in the mean. They add up to 1.
      variance_factor: variance of the mean, as a multiple of its variance if the metrics were
        independent.
    """
    value, weight, bounds = map(np.asarray, (values, weights, intervals))
    mean = float(weight @ value)
    squares = (weight[:, np.newaxis] * (bounds - value[:, np.newaxis])) ** 2
    below, above = np.sqrt(variance_factor * squares.sum(axis=0))
    return max(0.0, mean - float(below)), min(1.0, mean + float(above))
