"""What the Evaluator measures and what a model must reach to be blessed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import tensorflow_model_analysis as tfma

# TFMA 0.52 exports it nowhere else.
from tensorflow_model_analysis.proto.config_pb2 import PerSliceMetricThreshold

from components.evaluator import metric_names as names
from components.evaluator.curves import plot_specs
from components.evaluator.decision_metrics import (
    Accuracy,
    AverageFigure,
    ClassFigure,
    LowestRecall,
)
from components.evaluator.ranking_metrics import Ranking
from components.evaluator.slices import slicing_specs
from data import example_features

# 0.9675 is 0.01 less than 0.9775, and their difference in floating point is more than 0.01. Real
# figures are shares of images, further apart than this.
_ROUNDING = 1e-9

# A bound for every class, or bounds by class name; classes not named have none.
ClassBounds = float | Mapping[str, float]


def eval_config(
    classes: Sequence[str],
    accuracy: float,
    balanced_accuracy: float,
    class_precision: ClassBounds,
    class_recall: ClassBounds,
    baseline_margin: float,
    baseline_recall_margin: float,
) -> tfma.EvalConfig:
    """Return TFMA's configuration.

    A prediction is the class of the highest probability, as it is for whoever uses the served
    model. Thresholds are those of the whole split; slices have none.

    Args:
      classes: names in the order of the model's outputs.
      accuracy, balanced_accuracy: the least over all classes.
      class_precision, class_recall: the least of a class, 0 for no bound.
      baseline_margin: how far accuracy may lie below the baseline's, 0 for no comparison.
      baseline_recall_margin: the same of the lowest recall of any class.
    """
    metrics = [
        _metric(tfma.metrics.ExampleCount(name=names.EXAMPLE_COUNT)),
        _metric(
            Accuracy(name=names.ACCURACY),
            # Always present: without any threshold the Evaluator blesses nothing.
            _threshold(accuracy, baseline_margin, always=True),
        ),
        # Every prediction has a probability above 0, so none is left out of the matrix.
        _metric(
            tfma.metrics.MultiClassConfusionMatrixAtThresholds(
                thresholds=[0.0], name=names.CONFUSION_MATRIX
            )
        ),
        _metric(
            AverageFigure("recall", name=names.BALANCED_ACCURACY),
            _threshold(balanced_accuracy),
        ),
        _metric(LowestRecall(name=names.LOWEST_RECALL), _threshold(margin=baseline_recall_margin)),
        _metric(Ranking(list(classes))),
    ]
    bounds = {"precision": class_precision, "recall": class_recall}
    for figure in names.DECISION_FIGURES:
        metrics += [
            _metric(
                ClassFigure(figure, index, names.class_name(figure, name)),
                _threshold(_bound(bounds.get(figure, 0.0), name)),
            )
            for index, name in enumerate(classes)
        ]
        metrics += [
            _metric(
                AverageFigure(
                    figure, names.average_name(average, figure), weighted=average == "weighted"
                )
            )
            for average in names.AVERAGES
        ]
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                signature_name="serving_default",
                prediction_key="probabilities",
                label_key=example_features.LABEL,
            )
        ],
        slicing_specs=slicing_specs(),
        metrics_specs=[tfma.MetricsSpec(metrics=metrics), *plot_specs(len(classes))],
    )


def _bound(bounds: ClassBounds, name: str) -> float:
    return bounds.get(name, 0.0) if isinstance(bounds, Mapping) else bounds


def _metric(
    metric: tfma.metrics.Metric, threshold: tfma.MetricThreshold | None = None
) -> tfma.MetricConfig:
    config = tfma.MetricConfig(
        module=type(metric).__module__,
        class_name=type(metric).__name__,
        config=json.dumps(metric.get_config()),
    )
    if threshold:
        # A threshold without slices is one for all of them, and noise alone has no recall of
        # signals.
        config.per_slice_thresholds.append(
            PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)
        )
    return config


def _threshold(
    lower: float = 0.0, margin: float = 0.0, always: bool = False
) -> tfma.MetricThreshold | None:
    if not (lower or margin or always):
        return None
    threshold = tfma.MetricThreshold()
    if lower or always:
        # An undefined value (no prediction of a class) fails, as it should.
        threshold.value_threshold.lower_bound.value = lower - _ROUNDING
    if margin:
        threshold.change_threshold.direction = tfma.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -margin - _ROUNDING
    return threshold
