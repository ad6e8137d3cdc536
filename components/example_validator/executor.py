"""The executor of GatingExampleValidator."""

from __future__ import annotations

import logging
from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList
from tfx.components.example_validator import executor as stock
from tfx.components.example_validator import labels
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import Artifact, artifact_utils, standard_component_specs
from tfx.utils import writer_utils

from components.example_validator.accepted_statistics import AcceptedStatistics
from components.example_validator.anomalies import (
    StatisticsPair,
    describe_differences,
    describe_violations,
)
from data.invalid import InvalidData
from data.seed_layout import SPLITS
from data.storage import files

ACCEPTED_STATISTICS_DIR = "accepted_statistics_dir"

MIN_IMAGES = 120
"""Smaller sets are not compared: by chance, two clean ones differ as much as drifted ones do."""

_TRAIN = SPLITS[0]

_LOG = logging.getLogger("radio_signals.validation")


class Executor(stock.Executor):
    """Runs the stock validation with drift and skew comparisons, and raises on any anomaly.

    The training images are compared with those of the newest span accepted before, and the other
    splits with the training images. Each set is thus compared once, with a large set.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> execution_result_pb2.ExecutorOutput:
        """Write an anomalies file for each split, as the stock executor does.

        Raises:
          InvalidData: there are anomalies. The message lists those of all splits; the accepted
            statistics do not change.
        """
        artifact = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.STATISTICS_KEY]
        )
        self._accepted = AcceptedStatistics(exec_properties[ACCEPTED_STATISTICS_DIR])
        self._span = artifact.span
        self._train = stats_artifact_utils.load_statistics(artifact, _TRAIN).proto()
        self._violations: list[str] = []
        self._drift: list[str] = []
        self._skew: list[str] = []
        output = super().Do(input_dict, output_dict, exec_properties)
        if sentences := [*self._violations, *self._drift, *self._skew]:
            raise InvalidData(
                f"The data do not fit the schema: {'; '.join(sentences)}. {self._remedy()}"
            )
        # Data without spans have the number 0, and there is nothing that they could drift from.
        if self._span and _count_images(self._train) >= MIN_IMAGES:
            self._accepted.accept(self._span, self._train)
        return output

    def _Validate(  # noqa: N802 - The stock executor calls it by this name.
        self, inputs: dict[str, Any], outputs: dict[str, Any]
    ) -> Anomalies:
        """Validate one split and write its anomalies."""
        (folder,) = outputs.values()
        split = folder.rstrip("/").rpartition("Split-")[2]
        statistics = inputs[standard_component_specs.STATISTICS_KEY]
        pair = self._pair_with_reference(split, statistics)
        reference = pair.reference if pair else None
        is_drift = pair is not None and pair.is_drift
        anomalies = tfdv.validate_statistics(
            statistics,
            inputs[standard_component_specs.SCHEMA_KEY],
            previous_statistics=reference if is_drift else None,
            # TFDV calls them training and serving data. Comparing two splits is the same, and the
            # distance is symmetric.
            serving_statistics=None if is_drift else reference,
        )
        path = files.join(outputs[labels.SCHEMA_DIFF_PATH], stock.DEFAULT_FILE_NAME)
        writer_utils.write_anomalies(path, anomalies)
        self._violations += describe_violations(anomalies, split)
        if pair:
            sentences = self._drift if is_drift else self._skew
            sentences += describe_differences(anomalies, split, pair)
        return anomalies

    def _pair_with_reference(
        self, split: str, statistics: DatasetFeatureStatisticsList
    ) -> StatisticsPair | None:
        """Return a split's statistics with those to compare them with; None if there are none."""
        if split == _TRAIN:
            newest = self._accepted.find_newest_before(self._span)
            if newest is None:
                return None
            span, reference = newest
            pair = StatisticsPair(statistics, reference, self._span, span)
        else:
            pair = StatisticsPair(statistics, self._train)
        fewest = min(_count_images(pair.statistics), _count_images(pair.reference))
        if fewest < MIN_IMAGES:
            _LOG.warning("%s: %d images are too few for a comparison", split, fewest)
            return None
        return pair

    def _remedy(self) -> str:
        if not self._drift and not self._skew:
            return "Correct the data, or correct the schema if the schema is wrong."
        remedy = (
            "Correct the data. If the data are right, raise the thresholds of the comparators in a "
            "schema of your own (--schema FILE)."
        )
        if self._drift:
            remedy += f" To accept a drift once, remove {self._accepted.folder} and run again."
        return remedy


def _count_images(statistics: DatasetFeatureStatisticsList) -> int:
    return int(statistics.datasets[0].num_examples)
