"""The sentences about anomalies."""

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from components.example_validator.anomalies import StatisticsPair, describe_differences


@pytest.mark.parametrize(
    ("value", "shown"), [(0.5512, "0.55"), (0.1402, "0.1402"), (0.14001, "0.14001"), (1.0, "1")]
)
def test_a_divergence_has_enough_digits_to_differ_from_the_threshold(value, shown):
    anomalies = anomalies_pb2.Anomalies()
    info = anomalies.drift_skew_info.add()
    info.path.step.append("brightness")
    info.drift_measurements.add(
        type=anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE,
        value=value,
        threshold=0.14,
    )
    nothing = statistics_pb2.DatasetFeatureStatisticsList()
    pair = StatisticsPair(nothing, nothing, span=7, reference_span=6)
    (text,) = describe_differences(anomalies, "train", pair)
    assert text.endswith(f": Jensen-Shannon divergence {shown}, at most 0.14 allowed")
