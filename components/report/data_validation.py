"""What ExampleValidator made of the data."""

from __future__ import annotations

import os
from dataclasses import dataclass

import tensorflow as tf
from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, DriftSkewInfo
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME

from components.example_validator.anomalies import describe_violations

_MEASURES = {
    DriftSkewInfo.Measurement.L_INFTY: "greatest difference of a share",
    DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE: "Jensen-Shannon divergence",
}


@dataclass(frozen=True)
class Comparison:
    """How far a feature of one set of images is from that of another.

    Attributes:
      sets: which two, in words.
      feature: its name.
      measure: of the distance, in words.
      value, bound: the distance, and the greatest that the schema allows.
    """

    sets: str
    feature: str
    measure: str
    value: float
    bound: float


@dataclass(frozen=True)
class Validation:
    """What was found.

    Attributes:
      anomalies: what does not fit the schema, a sentence each. A run whose data have any ends
        before training, so that a report without any is what to expect.
      comparisons: of the sets, whatever came of them.
    """

    anomalies: tuple[str, ...]
    comparisons: tuple[Comparison, ...]


def read_validation(anomalies_dir: str) -> Validation:
    """Read ExampleValidator's output."""
    anomalies: list[str] = []
    comparisons: list[Comparison] = []
    for name in sorted(tf.io.gfile.listdir(anomalies_dir)):
        name = name.rstrip("/")
        if not name.startswith("Split-"):
            continue
        split = name.removeprefix("Split-")
        with tf.io.gfile.GFile(os.path.join(anomalies_dir, name, DEFAULT_FILE_NAME), "rb") as file:
            found = Anomalies.FromString(file.read())
        anomalies += describe_violations(found, split)
        for info in found.drift_skew_info:
            for sets, measurements in (
                (f"{split} and training images", info.skew_measurements),
                (f"{split} images and the span before", info.drift_measurements),
            ):
                comparisons += [
                    Comparison(
                        sets,
                        ".".join(info.path.step),
                        _MEASURES.get(measurement.type, "distance"),
                        measurement.value,
                        measurement.threshold,
                    )
                    for measurement in measurements
                ]
    return Validation(tuple(anomalies), tuple(comparisons))
