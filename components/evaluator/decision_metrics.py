"""The figures of the decision as TFMA metrics, each with its interval beside it.

Every metric is one of its own, because TFMA looks thresholds up by the metric's configuration.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tensorflow_model_analysis.metrics import (
    metric_types,
    metric_util,
    multi_class_confusion_matrix_metrics,
)

from components.evaluator import decisions
from components.evaluator.metric_names import interval_name


class Accuracy(metric_types.Metric):
    """Part of the examples whose most probable class is the actual one."""

    def __init__(self, name: str = "accuracy"):
        super().__init__(_computations(decisions.accuracy), name=name)


class ClassFigure(metric_types.Metric):
    """Precision, recall or F1 of one class; NaN where there is nothing to count."""

    def __init__(self, figure: str, class_id: int, name: str):
        super().__init__(
            _computations(decisions.BY_CLASS[figure], "class_id"),
            figure=figure,
            class_id=class_id,
            name=name,
        )


class AverageFigure(metric_types.Metric):
    """Mean of the classes' precision, recall or F1."""

    def __init__(self, figure: str, name: str, weighted: bool = False):
        super().__init__(
            _computations(decisions.average, "figure", "weighted"),
            figure=figure,
            weighted=weighted,
            name=name,
        )


class LowestRecall(metric_types.Metric):
    """The recall of the class that is recognised worst."""

    def __init__(self, name: str = "lowest_recall"):
        super().__init__(_computations(decisions.lowest_recall), name=name)


def _computations(
    estimate: Callable[..., decisions.Estimate], *arguments: str
) -> Callable[..., metric_types.MetricComputations]:
    """Wrap a function of the counts the way TFMA wants it, for each model and output.

    Args:
      estimate: a function of `components.evaluator.decisions`.
      arguments: those of the metric that it takes besides the counts.
    """

    # TFMA passes what it finds among the parameter names.
    def create(
        name: str,
        figure: str = "",
        class_id: int | None = None,
        weighted: bool = False,
        eval_config=None,
        model_name: str = "",
        output_name: str = "",
        example_weighted: bool = False,
    ) -> metric_types.MetricComputations:
        given = {"figure": figure, "class_id": class_id, "weighted": weighted}
        of_model = {
            "model_name": model_name,
            "output_name": output_name,
            "example_weighted": example_weighted,
        }
        matrix = multi_class_confusion_matrix_metrics.multi_class_confusion_matrices(
            # Every winning probability is above 0, so none is left undecided.
            thresholds=[0.0],
            eval_config=eval_config,
            **of_model,
        )
        matrix_key = matrix[-1].keys[-1]
        key = metric_types.MetricKey(name=name, **of_model)
        interval_key = metric_types.MetricKey(name=interval_name(name), **of_model)

        def result(metrics):
            (counts,) = metrics[matrix_key].values()
            found = estimate(counts, **{argument: given[argument] for argument in arguments})
            return {key: found.value, interval_key: np.array(found.interval)}

        keys = [key, interval_key]
        return [*matrix, metric_types.DerivedMetricComputation(keys=keys, result=result)]

    return metric_util.merge_per_key_computations(create)
