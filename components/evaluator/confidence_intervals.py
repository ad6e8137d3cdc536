"""Confidence intervals of figures of a sample: what other images of the same kind might give."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

LEVEL = 0.95
_DEVIATIONS = float(norm.ppf((1 + LEVEL) / 2))

# Lower and upper bound.
Interval = tuple[float, float]


def wilson(hits: float, of: float) -> Interval:
    """Return Wilson's score interval of a part.

    Unlike the mean plus or minus two deviations, and unlike a bootstrap, it does not shrink to
    nothing where all are hits: 200 of 200 are compatible with a part of 0.981.

    Args:
      hits, of: how many, of how many, which is above 0. Weights need not be whole.
    """
    z = _DEVIATIONS
    part, scale = hits / of, 1 + z**2 / of
    middle = (part + z**2 / (2 * of)) / scale
    half = z / scale * math.sqrt(part * (1 - part) / of + (z / (2 * of)) ** 2)
    # At the ends rounding may leave out the part itself.
    return min(max(0.0, middle - half), part), max(min(1.0, middle + half), part)


def mean_interval(
    values: Sequence[float],
    intervals: Sequence[Interval],
    weights: Sequence[float],
    dependence: float = 1.0,
) -> Interval:
    """Return the interval of a weighted mean of figures.

    Zou and Donner's method of variance estimates recovery: each bound's squared distances add up,
    so that intervals that are not symmetrical, as those near 1 are, give one that is not either.

    Args:
      values, intervals: of the figures.
      weights: their parts in the mean; they add up to 1.
      dependence: variance of the mean, as a multiple of that of independent figures.
    """
    value, weight, bounds = map(np.asarray, (values, weights, intervals))
    mean = float(weight @ value)
    squares = (weight[:, np.newaxis] * (bounds - value[:, np.newaxis])) ** 2
    below, above = np.sqrt(dependence * squares.sum(axis=0))
    return max(0.0, mean - float(below)), min(1.0, mean + float(above))
