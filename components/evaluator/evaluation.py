"""The metrics of an evaluation, read from the Evaluator's output."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from numpy.typing import NDArray

from components.evaluator import metric_names as names
from components.evaluator.confidence_intervals import Interval
from components.evaluator.slices import LINE_STRENGTH_RANGE, LINE_STRENGTH_RANGES
from components.evaluator.tfma_results import (
    OVERALL,
    confusion_matrix,
    load_results,
    metrics_by_name,
)
from data import example_features


@dataclass(frozen=True)
class MetricValue:
    """The value of one metric.

    Attributes:
      value: from 0 to 1, None where the metric is undefined.
      interval: confidence interval at `components.evaluator.confidence_intervals.LEVEL`, None
        where there is none.
    """

    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class ModelMetrics:
    """The metrics of one model on the evaluated split or on a slice of it.

    Attributes:
      accuracy: over all classes.
      balanced_accuracy: mean recall of the classes.
      lowest_recall: the lowest recall of any class.
      by_class: by class name, then by metric: precision, recall, f1, auc, average_precision.
      averages: by kind of average, macro or weighted, then by metric as above.
      confusion_matrix: int [classes, classes], rows actual, columns predicted.
    """

    accuracy: MetricValue
    balanced_accuracy: MetricValue
    lowest_recall: MetricValue
    by_class: dict[str, dict[str, MetricValue]]
    averages: dict[str, dict[str, MetricValue]]
    confusion_matrix: NDArray[np.int64]

    @property
    def images(self) -> int:
        """Number of images."""
        return int(self.confusion_matrix.sum())

    @property
    def support(self) -> dict[str, int]:
        """Number of images of each class."""
        return dict(zip(self.by_class, self.confusion_matrix.sum(axis=1).tolist(), strict=True))

    def as_json(self) -> dict[str, Any]:
        """The metrics as metrics.json has them for a slice or a baseline."""
        return {
            "images": self.images,
            "accuracy": self.accuracy.value,
            "balanced_accuracy": self.balanced_accuracy.value,
            "lowest_recall": self.lowest_recall.value,
            "classes": {
                name: {
                    **{metric: measured.value for metric, measured in metrics.items()},
                    "support": self.support[name],
                }
                for name, metrics in self.by_class.items()
            },
            "intervals": self.intervals(),
            "confusion_matrix": self.confusion_matrix.tolist(),
        }

    def intervals(self) -> dict[str, Any]:
        """All confidence intervals, arranged like the metrics in metrics.json."""

        def bounds(metrics: Mapping[str, MetricValue]) -> dict[str, list[float] | None]:
            return {
                name: list(metric.interval) if metric.interval else None
                for name, metric in metrics.items()
            }

        return {
            **bounds({"accuracy": self.accuracy, "balanced_accuracy": self.balanced_accuracy}),
            "classes": {name: bounds(metrics) for name, metrics in self.by_class.items()},
            "averages": {average: bounds(metrics) for average, metrics in self.averages.items()},
        }


@dataclass(frozen=True)
class Slice:
    """The metrics of the images that have one value of a feature.

    Attributes:
      feature: name of the feature, class_name or line_strength_range.
      value: its value.
      metrics: the metrics of these images.
    """

    feature: str
    value: str
    metrics: ModelMetrics

    def as_json(self) -> dict[str, Any]:
        """The slice as metrics.json lists it."""
        return {"feature": self.feature, "value": self.value, **self.metrics.as_json()}


@dataclass(frozen=True)
class Evaluation:
    """Everything that the Evaluator measured.

    Attributes:
      overall: the model on all images of the split. Thresholds apply to these metrics.
      slices: the model on slices, by class, then by increasing line strength.
      baseline: the model in service on the same images, None where there was none.
    """

    overall: ModelMetrics
    slices: tuple[Slice, ...]
    baseline: ModelMetrics | None

    def change(self) -> dict[str, Any] | None:
        """The metrics of the model minus those of the baseline, None without a baseline.

        The keys are metric names and `classes`, which holds the metrics by class name and metric
        name. A difference is None where either model lacks the metric.
        """
        if not self.baseline:
            return None
        model, baseline = self.overall, self.baseline
        return {
            **{
                name: _subtract(getattr(model, name), getattr(baseline, name))
                for name in ("accuracy", "balanced_accuracy", "lowest_recall")
            },
            "classes": {
                name: {
                    metric: _subtract(measured, baseline.by_class[name][metric])
                    for metric, measured in metrics.items()
                }
                for name, metrics in model.by_class.items()
            },
        }


def _subtract(measured: MetricValue, reference: MetricValue) -> float | None:
    if measured.value is None or reference.value is None:
        return None
    return measured.value - reference.value


def read_evaluation(evaluation_dir: str, classes: Sequence[str]) -> Evaluation:
    """Read the Evaluator's output.

    Args:
      evaluation_dir: the output `evaluation` of the Evaluator.
      classes: class names in the order of the label columns.
    """
    results = load_results(evaluation_dir)
    by_slice = _read_metrics(results.candidate, classes)
    slice_values = {
        example_features.CLASS_NAME: classes,
        LINE_STRENGTH_RANGE: LINE_STRENGTH_RANGES,
    }
    return Evaluation(
        overall=by_slice[OVERALL],
        slices=tuple(
            Slice(feature, value, by_slice[((feature, value),)])
            for feature, values in slice_values.items()
            for value in values
            if ((feature, value),) in by_slice
        ),
        baseline=_read_metrics(results.baseline, classes)[OVERALL] if results.baseline else None,
    )


def _read_metrics(
    result: tfma.EvalResult, classes: Sequence[str]
) -> dict[tuple[tuple[str, str], ...], ModelMetrics]:
    return {
        key: _parse_metrics(metrics_by_name(metrics), classes)
        for key, metrics in result.slicing_metrics
    }


def _parse_metrics(
    metrics: Mapping[str, Mapping[str, Any]], classes: Sequence[str]
) -> ModelMetrics:
    def parse(name: str) -> MetricValue:
        value = float(metrics[name]["doubleValue"])
        low, high = map(float, metrics[names.interval_name(name)]["arrayValue"]["float64Values"])
        return MetricValue(
            None if math.isnan(value) else value,
            None if math.isnan(low) or math.isnan(high) else (low, high),
        )

    return ModelMetrics(
        accuracy=parse(names.ACCURACY),
        balanced_accuracy=parse(names.BALANCED_ACCURACY),
        lowest_recall=parse(names.LOWEST_RECALL),
        by_class={
            name: {
                metric: parse(names.class_metric_name(metric, name))
                for metric in names.CLASS_METRICS
            }
            for name in classes
        },
        averages={
            average: {
                metric: parse(names.average_metric_name(average, metric))
                for metric in names.CLASS_METRICS
            }
            for average in names.AVERAGES
        },
        confusion_matrix=confusion_matrix(metrics, len(classes)),
    )
