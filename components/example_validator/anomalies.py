"""Sentences that describe the anomalies that TFDV reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, AnomalyInfo, DriftSkewInfo
from tensorflow_metadata.proto.v0.path_pb2 import Path
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

_DRIFT_OR_SKEW = (
    AnomalyInfo.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH,
    AnomalyInfo.COMPARATOR_L_INFTY_HIGH,
)

# TFDV 1.16 computes 1.0000000000000004 as the divergence of sets that have nothing in common.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class StatisticsPair:
    """The statistics of a set of images and those of the set that it is compared with.

    Attributes:
      statistics: statistics of the set that is checked.
      reference: statistics of the other set.
      span: span of the checked set; None if both sets are splits of the same data.
      reference_span: span of the other set; None if both sets are splits of the same data.
    """

    statistics: DatasetFeatureStatisticsList
    reference: DatasetFeatureStatisticsList
    span: int | None = None
    reference_span: int | None = None

    @property
    def is_drift(self) -> bool:
        """Whether the sets are the same split of two spans."""
        return self.reference_span is not None


def describe_violations(anomalies: Anomalies, split: str) -> Iterator[str]:
    """Yield a sentence for each feature that violates the schema, except by drift or skew."""
    for name, anomaly in sorted(anomalies.anomaly_info.items()):
        reasons = [reason for reason in anomaly.reason if reason.type not in _DRIFT_OR_SKEW]
        if reasons:
            text = " ".join(reason.description for reason in reasons)
            yield f"{split}, feature {name}: {text.rstrip('.')}"
    if anomalies.HasField("dataset_anomaly_info"):
        yield f"{split}: {anomalies.dataset_anomaly_info.description.rstrip('.')}"


def describe_differences(anomalies: Anomalies, split: str, pair: StatisticsPair) -> Iterator[str]:
    """Yield a sentence for each feature that differs by more than the schema allows."""
    for info in sorted(anomalies.drift_skew_info, key=lambda info: list(info.path.step)):
        measurements = info.drift_measurements if pair.is_drift else info.skew_measurements
        for measurement in measurements:
            if measurement.value <= measurement.threshold + _ROUNDING:
                continue
            feature = ".".join(info.path.step)
            if pair.is_drift:
                place = (
                    f"span {pair.span} has drifted from span {pair.reference_span} "
                    f"in feature {feature} ({split})"
                )
            else:
                place = f"{split} differs from train in feature {feature}"
            yield f"{place}: {_describe_amount(measurement, info.path, pair)}"


def _describe_amount(
    measurement: DriftSkewInfo.Measurement, path: Path, pair: StatisticsPair
) -> str:
    if measurement.type != DriftSkewInfo.Measurement.L_INFTY:
        value = _format_above(measurement.value, measurement.threshold)
        return f"Jensen-Shannon divergence {value}, at most {measurement.threshold:g} allowed"
    now = _count_fractions(pair.statistics, path)
    before = _count_fractions(pair.reference, path)
    name = max(
        sorted({*now, *before}), key=lambda name: abs(now.get(name, 0) - before.get(name, 0))
    )
    return (
        f"the fraction of {name} is {now.get(name, 0):.3g} instead of {before.get(name, 0):.3g}, "
        f"a difference of at most {measurement.threshold:g} is allowed"
    )


def _format_above(value: float, threshold: float) -> str:
    """Format with two digits, or with as many as it takes to stay above the threshold."""
    texts = (f"{value:.{digits}g}" for digits in range(2, 17))
    return next((text for text in texts if float(text) > threshold), str(value))


def _count_fractions(statistics: DatasetFeatureStatisticsList, path: Path) -> dict[str, float]:
    """Return the fraction of each value of a text feature."""
    for feature in statistics.datasets[0].features:
        if feature.path == path:
            buckets = feature.string_stats.rank_histogram.buckets
            total = sum(bucket.sample_count for bucket in buckets)
            return {bucket.label: bucket.sample_count / total for bucket in buckets}
    return {}
