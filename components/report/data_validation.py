"""Result of the data validation, from the output of ExampleValidator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, DriftSkewInfo
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME

from components.example_validator.anomalies import describe_violations
from data.storage import files

_DISTANCES = {
    DriftSkewInfo.Measurement.L_INFTY: "largest difference of a fraction",
    DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE: "Jensen-Shannon divergence",
}


@dataclass(frozen=True)
class FeatureDistance:
    """Distance between the distributions of a feature in two sets of images.

    Attributes:
      sets: the two sets, in words.
      feature: name of the feature.
      kind: kind of distance, in words.
      value: the distance.
      bound: largest distance that the schema allows.
    """

    sets: str
    feature: str
    kind: str
    value: float
    bound: float


@dataclass(frozen=True)
class Validation:
    """Result of the data validation.

    Attributes:
      anomalies: a sentence for each violation of the schema. A violation ends the run before
        training, so a report normally has none.
      distances: distances between sets of images, within their bounds or not.
    """

    anomalies: tuple[str, ...]
    distances: tuple[FeatureDistance, ...]


def read_validation(anomalies_dir: str, splits: Sequence[str]) -> Validation:
    """Read the output of ExampleValidator for some splits."""
    violations: list[str] = []
    distances: list[FeatureDistance] = []
    for split in splits:
        path = files.join(anomalies_dir, f"Split-{split}", DEFAULT_FILE_NAME)
        anomalies = Anomalies.FromString(files.read_bytes(path))
        violations += describe_violations(anomalies, split)
        for info in anomalies.drift_skew_info:
            distances += _list_distances(info, split)
    return Validation(tuple(violations), tuple(distances))


def _list_distances(info: DriftSkewInfo, split: str) -> Iterator[FeatureDistance]:
    for sets, measurements in (
        (f"{split} and training images", info.skew_measurements),
        (f"{split} images and those of the span before", info.drift_measurements),
    ):
        for measurement in measurements:
            yield FeatureDistance(
                sets,
                ".".join(info.path.step),
                _DISTANCES.get(measurement.type, "distance"),
                measurement.value,
                measurement.threshold,
            )
