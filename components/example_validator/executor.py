"""The executor of GatingExampleValidator."""

from __future__ import annotations

import logging
import os
from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList
from tfx.components.example_validator import executor as stock
from tfx.components.example_validator import labels
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import writer_utils

from components.example_validator.accepted_statistics import History
from components.example_validator.anomalies import Comparison, differences, violations
from data.invalid import InvalidData
from data.seed_layout import SPLITS

ACCEPTED_STATISTICS_DIR = "accepted_statistics_dir"

LEAST_IMAGES = 120
"""Sets of fewer images are not compared: by chance alone, clean ones differ as drifted ones do."""

_TRAIN = SPLITS[0]

_LOG = logging.getLogger("radio_signals.validation")


class Executor(stock.Executor):
    """Runs the stock validation with the comparisons it leaves out, and raises on any anomaly.

    The training images are compared with those of the newest span accepted before, and the other
    splits with the training images: each set with one other, and always with a large one.
    """

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]):
        """Writes an anomalies file for each split, as the stock executor does.

        Raises:
          InvalidData: listing the anomalies of all splits; the history is left as it was.
        """
        artifact = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.STATISTICS_KEY]
        )
        self._history = History(exec_properties[ACCEPTED_STATISTICS_DIR])
        self._span = artifact.span
        self._train = stats_artifact_utils.load_statistics(artifact, _TRAIN).proto()
        self._violations: list[str] = []
        self._drift: list[str] = []
        self._skew: list[str] = []
        output = super().Do(input_dict, output_dict, exec_properties)
        if found := [*self._violations, *self._drift, *self._skew]:
            raise InvalidData(
                f"The data do not fit the schema: {'; '.join(found)}. {self._remedy()}"
            )
        # Data that do not come in spans are span 0: there is nothing that they could drift from.
        if self._span and _images(self._train) >= LEAST_IMAGES:
            self._history.accept(self._span, self._train)
        return output

    def _Validate(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> Anomalies:
        """Validate one split and write its anomalies; the stock executor calls this."""
        (folder,) = outputs.values()
        split = folder.rstrip("/").rpartition("Split-")[2]
        statistics = inputs[standard_component_specs.STATISTICS_KEY]
        comparison = self._comparison(split, statistics)
        reference = comparison.reference if comparison else None
        is_drift = comparison is not None and comparison.is_drift
        anomalies = tfdv.validate_statistics(
            statistics,
            inputs[standard_component_specs.SCHEMA_KEY],
            previous_statistics=reference if is_drift else None,
            # TFDV's names are for the data that a model is trained on and those that it serves.
            # The comparison is the same, and symmetric.
            serving_statistics=None if is_drift else reference,
        )
        path = os.path.join(outputs[labels.SCHEMA_DIFF_PATH], stock.DEFAULT_FILE_NAME)
        writer_utils.write_anomalies(path, anomalies)
        self._violations += violations(anomalies, split)
        if comparison:
            (self._drift if is_drift else self._skew).extend(
                differences(anomalies, split, comparison)
            )
        return anomalies

    def _comparison(
        self, split: str, statistics: DatasetFeatureStatisticsList
    ) -> Comparison | None:
        """Return what a split is to be held against, None where there is nothing."""
        span = None
        if split == _TRAIN:
            span = self._history.newest_before(self._span)
            if span is None:
                return None
            comparison = Comparison(statistics, self._history.read(span), self._span, span)
        else:
            comparison = Comparison(statistics, self._train)
        fewest = min(_images(comparison.statistics), _images(comparison.reference))
        if fewest < LEAST_IMAGES:
            _LOG.warning("%s: %d images are too few to be compared with others", split, fewest)
            return None
        return comparison

    def _remedy(self) -> str:
        if not self._drift and not self._skew:
            return "Correct the data, or the schema if it is the one that is wrong."
        remedy = (
            "Correct the data; if it is they that are right, allow more in the comparators of a "
            "schema of your own (--schema FILE)."
        )
        if self._drift:
            remedy += f" To accept a drift once, remove {self._history.folder} and run again."
        return remedy


def _images(statistics: DatasetFeatureStatisticsList) -> int:
    return int(statistics.datasets[0].num_examples)
