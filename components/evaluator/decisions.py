"""TFMA metrics of the decision itself: the class of the highest probability.

TFMA's own precision and recall by class ask whether a class's probability exceeds a threshold,
one half by default, which is another question: an example whose best class has 0.4 would count
for no class. Their `top_k=1` form answers ours, but thresholds for it are looked up under a key
without class and are never found. So these three read the multi-class confusion matrix, which
TFMA computes anyway.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tensorflow_model_analysis.metrics import (
    metric_types,
    metric_util,
    multi_class_confusion_matrix_metrics,
)

# Counts by (actual class, predicted class).
Counts = dict[tuple[int, int], float]


class Accuracy(metric_types.Metric):
    """Part of the examples whose most probable class is the actual one."""

    def __init__(self, name: str = "accuracy"):
        super().__init__(_computations(accuracy), name=name)


class ClassPrecision(metric_types.Metric):
    """Of the examples taken for one class, the part that belongs to it; NaN if there are none."""

    def __init__(self, class_id: int, name: str = "precision"):
        super().__init__(_computations(precision), class_id=class_id, name=name)


class ClassRecall(metric_types.Metric):
    """Of the examples of one class, the part taken for it; NaN if there are none."""

    def __init__(self, class_id: int, name: str = "recall"):
        super().__init__(_computations(recall), class_id=class_id, name=name)


def accuracy(counts: Counts) -> float:
    """Return the share of the diagonal."""
    return _part(sum(n for (actual, said), n in counts.items() if actual == said), counts.values())


def precision(counts: Counts, class_id: int) -> float:
    """Return the diagonal's share of a column."""
    column = [n for (_, said), n in counts.items() if said == class_id]
    return _part(counts.get((class_id, class_id), 0.0), column)


def recall(counts: Counts, class_id: int) -> float:
    """Return the diagonal's share of a row."""
    row = [n for (actual, _), n in counts.items() if actual == class_id]
    return _part(counts.get((class_id, class_id), 0.0), row)


def _part(hits: float, of) -> float:
    total = sum(of)
    return hits / total if total else math.nan


def _computations(figure: Callable[..., float]) -> Callable[..., metric_types.MetricComputations]:
    """Wrap a function of the counts the way TFMA wants it, for each model and output."""

    # TFMA passes what it finds among the parameter names.
    def create(
        name: str,
        class_id: int | None = None,
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
        matrix = multi_class_confusion_matrix_metrics.multi_class_confusion_matrices(
            # Every winning probability is above 0, so none is left undecided.
            thresholds=[0.0],
            eval_config=eval_config,
            **of_model,
        )
        matrix_key = matrix[-1].keys[-1]
        key = metric_types.MetricKey(name=name, **of_model)

        def result(metrics):
            (counts,) = metrics[matrix_key].values()
            value = figure(counts) if class_id is None else figure(counts, class_id)
            return {key: value}

        return [*matrix, metric_types.DerivedMetricComputation(keys=[key], result=result)]

    return metric_util.merge_per_key_computations(create)
