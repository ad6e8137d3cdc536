"""What the data look like, from StatisticsGen's output."""

from __future__ import annotations

import os
from dataclasses import dataclass

import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram, NumericStatistics

from data import example_features

# Measured of each spectrogram, and what they are in words.
MEASURES = {
    example_features.BRIGHTNESS: "brightness: mean grey level, 0 to 1",
    example_features.CONTRAST: "contrast: deviation of the grey levels",
    example_features.DYNAMIC_RANGE: "dynamic range: greatest less least grey level",
    example_features.LINE_STRENGTH: "line strength: of the strongest line, in deviations",
    example_features.DEAD_CHANNELS: "dead channels",
}


@dataclass(frozen=True)
class Measure:
    """Distribution of a number over the spectrograms of a split.

    Attributes:
      edges, images: of its histogram, as TFDV draws it: bounds of the bins, one more than there
        are bins, and the estimated spectrograms in each.
    """

    least: float
    median: float
    mean: float
    deviation: float
    greatest: float
    edges: tuple[float, ...] = ()
    images: tuple[float, ...] = ()


@dataclass(frozen=True)
class SplitStatistics:
    """A split in numbers.

    Attributes:
      split: its name.
      images: how many spectrograms.
      by_class: of each class.
      measures: by feature, a key of `MEASURES`; those that the data have.
    """

    split: str
    images: int
    by_class: dict[str, int]
    measures: dict[str, Measure]


def read_statistics(statistics_dir: str) -> list[SplitStatistics]:
    """Read StatisticsGen's output, a split after the other."""
    folders = (name.rstrip("/") for name in sorted(tf.io.gfile.listdir(statistics_dir)))
    return [
        _of_split(name.removeprefix("Split-"), os.path.join(statistics_dir, name))
        for name in folders
        if name.startswith("Split-")
    ]


def _of_split(split: str, folder: str) -> SplitStatistics:
    found = tfdv.load_stats_binary(os.path.join(folder, "FeatureStats.pb")).datasets[0]
    features = {".".join(feature.path.step): feature for feature in found.features}
    names = features[example_features.CLASS_NAME].string_stats.rank_histogram.buckets
    return SplitStatistics(
        split,
        int(found.num_examples),
        {bucket.label: int(bucket.sample_count) for bucket in names},
        {name: _measure(features[name].num_stats) for name in MEASURES if name in features},
    )


def _measure(stats: NumericStatistics) -> Measure:
    (buckets,) = (
        histogram.buckets
        for histogram in stats.histograms
        if histogram.type == Histogram.HistogramType.STANDARD
    )
    return Measure(
        stats.min,
        stats.median,
        stats.mean,
        stats.std_dev,
        stats.max,
        edges=(*(bucket.low_value for bucket in buckets), buckets[-1].high_value),
        images=tuple(bucket.sample_count for bucket in buckets),
    )
