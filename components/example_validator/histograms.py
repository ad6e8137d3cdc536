"""How finely StatisticsGen has to count for two sets to be compared."""

from __future__ import annotations

from typing import Any

import tensorflow_data_validation as tfdv

# TFDV's default is 10. Of 20, a single odd image stretches one that holds 1/20 of the images, and
# divergences between clean sets are smaller where a feature has few distinct values. The
# thresholds in data/schema.pbtxt belong to this number; docs/data-validation.md has both measured.
QUANTILES = 20


def stats_options(**others: Any) -> tfdv.StatsOptions:
    """Return the options for StatisticsGen; `others` are further fields of `StatsOptions`."""
    return tfdv.StatsOptions(num_quantiles_histogram_buckets=QUANTILES, **others)
