"""What TFDV found, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, AnomalyInfo, DriftSkewInfo
from tensorflow_metadata.proto.v0.path_pb2 import Path
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

_COMPARED = (
    AnomalyInfo.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH,
    AnomalyInfo.COMPARATOR_L_INFTY_HIGH,
)

# TFDV 1.16 adds up the divergence of sets that have nothing in common to 1.0000000000000004.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Comparison:
    """One set of images held against another.

    Attributes:
      statistics, reference: of the set in question, and of the one that it is to be like.
      span, reference_span: where the two are the same split of two spans; None where they are two
        splits of one set of data.
    """

    statistics: DatasetFeatureStatisticsList
    reference: DatasetFeatureStatisticsList
    span: int | None = None
    reference_span: int | None = None

    @property
    def is_drift(self) -> bool:
        """Whether two spans are compared."""
        return self.reference_span is not None


def violations(anomalies: Anomalies, split: str) -> Iterator[str]:
    """Yield what does not fit the schema, whatever other data there are."""
    for name, anomaly in sorted(anomalies.anomaly_info.items()):
        reasons = [reason for reason in anomaly.reason if reason.type not in _COMPARED]
        if reasons:
            text = " ".join(reason.description for reason in reasons)
            yield f"{split}, feature {name}: {text.rstrip('.')}"
    if anomalies.HasField("dataset_anomaly_info"):
        yield f"{split}: {anomalies.dataset_anomaly_info.description.rstrip('.')}"


def differences(anomalies: Anomalies, split: str, comparison: Comparison) -> Iterator[str]:
    """Yield in which features the set differs from the other by more than the schema allows."""
    for info in sorted(anomalies.drift_skew_info, key=lambda info: list(info.path.step)):
        measured = info.drift_measurements if comparison.is_drift else info.skew_measurements
        for measurement in measured:
            if measurement.value <= measurement.threshold + _ROUNDING:
                continue
            feature = ".".join(info.path.step)
            if comparison.is_drift:
                who = (
                    f"span {comparison.span} has drifted from span {comparison.reference_span} "
                    f"in feature {feature} ({split})"
                )
            else:
                who = f"{split} differs from train in feature {feature}"
            yield f"{who}: {_how_much(measurement, info.path, comparison)}"


def _how_much(measurement: DriftSkewInfo.Measurement, path: Path, comparison: Comparison) -> str:
    if measurement.type != DriftSkewInfo.Measurement.L_INFTY:
        value = _digits(measurement.value, measurement.threshold)
        return f"Jensen-Shannon divergence {value}, at most {measurement.threshold:g} allowed"
    now, then = _shares(comparison.statistics, path), _shares(comparison.reference, path)
    name = max(sorted({*now, *then}), key=lambda name: abs(now.get(name, 0) - then.get(name, 0)))
    return (
        f"the share of {name} is {now.get(name, 0):.3g} against {then.get(name, 0):.3g}, "
        f"a difference of at most {measurement.threshold:g} is allowed"
    )


def _digits(value: float, threshold: float) -> str:
    """Two digits, or as many as tell a value from the threshold that it exceeds."""
    texts = (f"{value:.{digits}g}" for digits in range(2, 17))
    return next((text for text in texts if float(text) > threshold), str(value))


def _shares(statistics: DatasetFeatureStatisticsList, path: Path) -> dict[str, float]:
    """Return what part of a text feature's values is which text."""
    for feature in statistics.datasets[0].features:
        if feature.path == path:
            buckets = feature.string_stats.rank_histogram.buckets
            total = sum(bucket.sample_count for bucket in buckets)
            return {bucket.label: bucket.sample_count / total for bucket in buckets}
    return {}
