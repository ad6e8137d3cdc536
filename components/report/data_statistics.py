"""Statistics of the data, from the output of StatisticsGen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram, NumericStatistics

from data import example_features
from data.storage import files

MEASURED_FEATURES = {
    example_features.BRIGHTNESS: "brightness: mean grey level, 0 to 1",
    example_features.CONTRAST: "contrast: standard deviation of the grey levels",
    example_features.DYNAMIC_RANGE: "dynamic range: highest minus lowest grey level",
    example_features.LINE_STRENGTH: "line strength: in standard deviations of noise",
    example_features.DEAD_CHANNELS: "dead channels: number of channels that never change",
}
"""Descriptions of the features that are measured of each spectrogram."""


@dataclass(frozen=True)
class Distribution:
    """Distribution of a measured feature over the spectrograms of a split.

    Attributes:
      edges: bounds of the bins of TFDV's histogram, one more than there are bins.
      images: estimated number of spectrograms in each bin.
    """

    minimum: float
    median: float
    mean: float
    standard_deviation: float
    maximum: float
    edges: tuple[float, ...] = ()
    images: tuple[float, ...] = ()


@dataclass(frozen=True)
class SplitStatistics:
    """Statistics of a split.

    Attributes:
      split: name of the split.
      images: number of spectrograms.
      by_class: number of spectrograms of each class.
      features: distributions by feature, a key of `MEASURED_FEATURES`; those that the data have.
    """

    split: str
    images: int
    by_class: dict[str, int]
    features: dict[str, Distribution]


def read_statistics(statistics_dir: str, splits: Sequence[str]) -> list[SplitStatistics]:
    """Read the output of StatisticsGen for some splits."""
    return [_read_split(split, files.join(statistics_dir, f"Split-{split}")) for split in splits]


def _read_split(split: str, folder: str) -> SplitStatistics:
    statistics = tfdv.load_stats_binary(files.join(folder, "FeatureStats.pb")).datasets[0]
    features = {".".join(feature.path.step): feature for feature in statistics.features}
    classes = features[example_features.CLASS_NAME].string_stats.rank_histogram.buckets
    return SplitStatistics(
        split,
        int(statistics.num_examples),
        {bucket.label: int(bucket.sample_count) for bucket in classes},
        {
            name: _convert(features[name].num_stats)
            for name in MEASURED_FEATURES
            if name in features
        },
    )


def _convert(statistics: NumericStatistics) -> Distribution:
    (buckets,) = (
        histogram.buckets
        for histogram in statistics.histograms
        if histogram.type == Histogram.HistogramType.STANDARD
    )
    return Distribution(
        statistics.min,
        statistics.median,
        statistics.mean,
        statistics.std_dev,
        statistics.max,
        edges=(*(bucket.low_value for bucket in buckets), buckets[-1].high_value),
        images=tuple(bucket.sample_count for bucket in buckets),
    )
