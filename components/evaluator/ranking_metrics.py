"""ROC AUC and average precision as a TFMA metric, with their means and intervals."""

from __future__ import annotations

from collections.abc import Iterable

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metric_names import (
    AVERAGES,
    RANKING_FIGURES,
    average_name,
    class_name,
    interval_name,
)
from components.evaluator.ranking import ranking


class Ranking(metric_types.Metric):
    """All figures of `components.evaluator.ranking`, under the names of `names`."""

    def __init__(self, classes: list[str], name: str = "ranking"):
        super().__init__(
            metric_util.merge_per_key_computations(_computations), classes=classes, name=name
        )


def _computations(
    classes: list[str],
    name: str,
    eval_config=None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    of_model = {
        "model_name": model_name,
        "output_name": output_name,
        "example_weighted": example_weighted,
    }
    # What is collected is private: the underscore keeps it out of the output.
    collected = metric_types.MetricKey(name=f"_{name}_predictions", **of_model)

    def result(metrics) -> dict[metric_types.MetricKey, float | np.ndarray]:
        figures = _named(classes, *metrics[collected])
        return {
            metric_types.MetricKey(name=figure, **of_model): value
            for figure, value in figures.items()
        }

    keys = [
        metric_types.MetricKey(name=figure, **of_model)
        for value in _names(classes)
        for figure in (value, interval_name(value))
    ]
    return [
        metric_types.MetricComputation(
            keys=[collected],
            preprocessors=None,
            combiner=_Collect(collected, eval_config, len(classes)),
        ),
        metric_types.DerivedMetricComputation(keys=keys, result=result),
    ]


def _names(classes: list[str]) -> list[str]:
    return [class_name(figure, name) for name in classes for figure in RANKING_FIGURES] + [
        average_name(average, figure) for average in AVERAGES for figure in RANKING_FIGURES
    ]


def _named(
    classes: list[str], labels: np.ndarray, probabilities: np.ndarray
) -> dict[str, float | np.ndarray]:
    found = ranking(labels, probabilities)
    named = {}
    for index, of_class in enumerate(classes):
        for figure in RANKING_FIGURES:
            name = class_name(figure, of_class)
            named[name] = float(getattr(found, figure)[index])
            named[interval_name(name)] = getattr(found, interval_name(figure))[index]
    for average in AVERAGES:
        for figure, (value, interval) in getattr(found, average).items():
            name = average_name(average, figure)
            named[name] = value
            named[interval_name(name)] = np.array(interval)
    return named


# Labels, and probabilities as single-precision numbers: lists of arrays until they are wanted.
_Collected = tuple[list[np.ndarray], list[np.ndarray]]


class _Collect(beam.CombineFn):
    """Gathers labels and probabilities of one model."""

    def __init__(self, key: metric_types.MetricKey, eval_config, classes: int):
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
        labels, probabilities = [], []
        for some_labels, some_probabilities in accumulators:
            labels += some_labels
            probabilities += some_probabilities
        return labels, probabilities

    def compact(self, accumulator: _Collected) -> _Collected:
        # One array in the place of thousands: what is sent between workers stays small.
        labels, probabilities = self._whole(accumulator)
        return [labels], [probabilities]

    def extract_output(
        self, accumulator: _Collected
    ) -> dict[metric_types.MetricKey, tuple[np.ndarray, np.ndarray]]:
        return {self._key: self._whole(accumulator)}

    def _whole(self, accumulator: _Collected) -> tuple[np.ndarray, np.ndarray]:
        labels, probabilities = accumulator
        return (
            np.concatenate([np.zeros(0, np.int64), *labels]),
            np.concatenate([np.zeros((0, self._classes), np.float32), *probabilities]),
        )
