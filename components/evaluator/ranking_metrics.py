"""ROC AUC and average precision as a TFMA metric, with averages and confidence intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.metric_names import (
    AVERAGES,
    RANKING_METRICS,
    average_metric_name,
    class_metric_name,
    interval_name,
)
from components.evaluator.ranking import measure_ranking

Predictions = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Labels, int [N], and probabilities, float32 [N, classes]."""


class RankingMetrics(metric_types.Metric):
    """All metrics of `components.evaluator.ranking`, named as in `metric_names`."""

    def __init__(self, classes: list[str], name: str = "ranking") -> None:
        super().__init__(
            metric_util.merge_per_key_computations(_create_computations),
            classes=classes,
            name=name,
        )


def _create_computations(
    classes: list[str],
    name: str,
    eval_config: config_pb2.EvalConfig | None = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    key_fields = {
        "model_name": model_name,
        "output_name": output_name,
        "example_weighted": example_weighted,
    }
    # The underscore makes the key private, so that the predictions are not part of the output.
    predictions_key = metric_types.MetricKey(name=f"_{name}_predictions", **key_fields)
    names = _list_names(classes)
    keys = [metric_types.MetricKey(name=name, **key_fields) for name in names]
    interval_keys = [
        metric_types.MetricKey(name=interval_name(name), **key_fields) for name in names
    ]

    def derive(
        metrics: Mapping[metric_types.MetricKey, Predictions],
    ) -> dict[metric_types.MetricKey, float | NDArray[np.float64]]:
        values, intervals = measure_ranking(*metrics[predictions_key])
        return {
            **dict(zip(keys, values.ravel().tolist(), strict=True)),
            **dict(zip(interval_keys, intervals.reshape(-1, 2), strict=True)),
        }

    return [
        metric_types.MetricComputation(
            keys=[predictions_key],
            preprocessors=None,
            combiner=_Collect(predictions_key, eval_config, len(classes)),
        ),
        metric_types.DerivedMetricComputation(keys=[*keys, *interval_keys], result=derive),
    ]


def _list_names(classes: list[str]) -> list[str]:
    """Return the names of the metrics in the order of `RankingEstimates.values`."""
    return [
        name
        for metric in RANKING_METRICS
        for name in (
            *(class_metric_name(metric, class_name) for class_name in classes),
            *(average_metric_name(average, metric) for average in AVERAGES),
        )
    ]


# Lists of arrays, which are concatenated only when Beam asks for it.
_Collected = tuple[list[NDArray[np.int64]], list[NDArray[np.float32]]]


class _Collect(beam.CombineFn):
    """Collects the labels and probabilities of one model."""

    def __init__(
        self, key: metric_types.MetricKey, eval_config: config_pb2.EvalConfig | None, classes: int
    ) -> None:
        self._key, self._eval_config, self._classes = key, eval_config, classes

    def create_accumulator(self) -> _Collected:
        return [], []

    def add_input(
        self, accumulator: _Collected, element: metric_types.StandardMetricInputs
    ) -> _Collected:
        label, probabilities, _ = next(
            metric_util.to_label_prediction_example_weight(
                element,
                eval_config=self._eval_config,
                model_name=self._key.model_name,
                output_name=self._key.output_name,
                flatten=False,
            )
        )
        accumulator[0].append(np.array([label.argmax() if label.size > 1 else label.item()]))
        accumulator[1].append(probabilities.reshape(1, self._classes).astype(np.float32))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[_Collected]) -> _Collected:
        merged = self.create_accumulator()
        for labels, probabilities in accumulators:
            merged[0].extend(labels)
            merged[1].extend(probabilities)
        return merged

    def compact(self, accumulator: _Collected) -> _Collected:
        # With one array instead of thousands, workers send less to each other.
        labels, probabilities = self._concatenate(accumulator)
        return [labels], [probabilities]

    def extract_output(self, accumulator: _Collected) -> dict[Any, Predictions]:
        return {self._key: self._concatenate(accumulator)}

    def _concatenate(self, accumulator: _Collected) -> Predictions:
        labels, probabilities = accumulator
        return (
            np.concatenate([np.zeros(0, np.int64), *labels]),
            np.concatenate([np.zeros((0, self._classes), np.float32), *probabilities]),
        )
