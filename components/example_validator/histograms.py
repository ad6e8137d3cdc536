"""Options of StatisticsGen that make the statistics of two sets comparable."""

from __future__ import annotations

from typing import Any

import tensorflow_data_validation as tfdv

# TFDV's default is 10. With 20, a single outlier stretches a bucket of only 1/20 of the images, and
# clean sets differ less where a feature has few distinct values. The thresholds in
# data/schema.pbtxt are for this number; docs/data-validation.md has the measurements.
QUANTILES = 20


def make_stats_options(**others: Any) -> tfdv.StatsOptions:
    """Return the options for StatisticsGen; `others` are further fields of `StatsOptions`."""
    return tfdv.StatsOptions(num_quantiles_histogram_buckets=QUANTILES, **others)
