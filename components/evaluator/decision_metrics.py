"""The metrics of `components.evaluator.decisions` as TFMA metrics, with confidence intervals.

Each is a TFMA metric of its own, because TFMA looks up thresholds by the configuration of the
metric.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import (
    metric_types,
    metric_util,
    multi_class_confusion_matrix_metrics,
)
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator import decisions
from components.evaluator.metric_names import interval_name


class Accuracy(metric_types.Metric):
    """Fraction of the images whose predicted class is the actual one."""

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(_wrap(decisions.accuracy), name=name)


class ClassMetric(metric_types.Metric):
    """Precision, recall or F1 of one class, NaN where undefined."""

    def __init__(self, metric: str, class_id: int, name: str) -> None:
        super().__init__(
            _wrap(decisions.CLASS_FUNCTIONS[metric], "class_id"),
            metric=metric,
            class_id=class_id,
            name=name,
        )


class AverageMetric(metric_types.Metric):
    """Mean of the precision, recall or F1 of the classes."""

    def __init__(self, metric: str, name: str, weighted: bool = False) -> None:
        super().__init__(
            _wrap(decisions.average, "metric", "weighted"),
            metric=metric,
            weighted=weighted,
            name=name,
        )


class LowestRecall(metric_types.Metric):
    """The lowest recall of any class."""

    def __init__(self, name: str = "lowest_recall") -> None:
        super().__init__(_wrap(decisions.lowest_recall), name=name)


class PredictedClasses(metric_types.Metric):
    """The number of classes that are predicted for at least one image."""

    def __init__(self, name: str = "predicted_classes") -> None:
        super().__init__(_wrap(decisions.predicted_classes), name=name)


def _wrap(
    estimate: Callable[..., decisions.Estimate], *parameters: str
) -> Callable[..., metric_types.MetricComputations]:
    """Return a function that creates TFMA's computations for each model and output.

    Args:
      estimate: a function of `components.evaluator.decisions`.
      parameters: its parameters besides the counts, which are parameters of the metric as well.
    """

    # TFMA passes the arguments whose names it finds in the signature.
    def create(
        name: str,
        metric: str = "",
        class_id: int | None = None,
        weighted: bool = False,
        eval_config: config_pb2.EvalConfig | None = None,
        model_name: str = "",
        output_name: str = "",
        example_weighted: bool = False,
    ) -> metric_types.MetricComputations:
        values = {"metric": metric, "class_id": class_id, "weighted": weighted}
        arguments = {parameter: values[parameter] for parameter in parameters}
        return _create_computations(
            functools.partial(estimate, **arguments),
            name,
            eval_config,
            model_name=model_name,
            output_name=output_name,
            example_weighted=example_weighted,
        )

    return metric_util.merge_per_key_computations(create)


def _create_computations(
    estimate: Callable[[decisions.Counts], decisions.Estimate],
    name: str,
    eval_config: config_pb2.EvalConfig | None,
    **key_fields: Any,
) -> metric_types.MetricComputations:
    matrix = multi_class_confusion_matrix_metrics.multi_class_confusion_matrices(
        # The highest probability is always above 0, so every image has a predicted class.
        thresholds=[0.0],
        eval_config=eval_config,
        **key_fields,
    )
    matrix_key = matrix[-1].keys[-1]
    key = metric_types.MetricKey(name=name, **key_fields)
    interval_key = metric_types.MetricKey(name=interval_name(name), **key_fields)

    def derive(
        metrics: Mapping[metric_types.MetricKey, Mapping[float, decisions.Counts]],
    ) -> dict[metric_types.MetricKey, float | NDArray[np.float64]]:
        (counts,) = metrics[matrix_key].values()
        value, interval = estimate(counts)
        return {key: value, interval_key: np.array(interval)}

    keys = [key, interval_key]
    return [*matrix, metric_types.DerivedMetricComputation(keys=keys, result=derive)]
