"""TFMA's configuration: what the Evaluator measures, and the thresholds for a blessing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator import metric_names as names
from components.evaluator.decision_metrics import (
    Accuracy,
    AverageMetric,
    ClassMetric,
    LowestRecall,
    PredictedClasses,
)
from components.evaluator.ranking_metrics import RankingMetrics
from components.evaluator.slices import list_slicing_specs
from data import example_features

# 0.9675 is 0.01 below 0.9775, but in floating point their difference exceeds 0.01. Metrics are
# fractions of a number of images, so real differences are larger than this.
_ROUNDING = 1e-9

# A model that predicts the same class for every image has learnt nothing.
_FEWEST_PREDICTED_CLASSES = 2

# The highest probability is always above 0, so every image has a predicted class.
_EVERY_IMAGE = (0.0,)

# TFMA's defaults, 1,000 each, take longer to compute and to load, and look the same.
_CURVE_POINTS = 101
_CALIBRATION_BUCKETS = 20

_MODEL_SPEC = config_pb2.ModelSpec(
    signature_name="serving_default",
    prediction_key="probabilities",
    label_key=example_features.LABEL,
)

ClassBounds = float | Mapping[str, float]
"""A bound for every class, or bounds by class name. Classes that are not named have none."""


def build_eval_config(
    classes: Sequence[str],
    accuracy: float,
    balanced_accuracy: float,
    class_precision: ClassBounds,
    class_recall: ClassBounds,
    baseline_margin: float,
    baseline_recall_margin: float,
) -> config_pb2.EvalConfig:
    """Return the configuration of the Evaluator.

    The predicted class is the one with the highest probability, as for clients of the served
    model. Thresholds apply to the whole split, not to slices. A model that predicts only one class
    is never blessed.

    Args:
      classes: class names in the order of the outputs of the model.
      accuracy: lowest accuracy that is allowed.
      balanced_accuracy: lowest balanced accuracy, 0 for no bound.
      class_precision: lowest precision of a class, 0 for no bound.
      class_recall: lowest recall of a class, 0 for no bound.
      baseline_margin: how far the accuracy may lie below that of the baseline, 0 for no
        comparison.
      baseline_recall_margin: the same for the lowest recall of any class.
    """
    confusion_matrix = tfma.metrics.MultiClassConfusionMatrixAtThresholds(
        thresholds=list(_EVERY_IMAGE), name=names.CONFUSION_MATRIX
    )
    # Always present: the Evaluator blesses nothing without a threshold.
    accuracy_threshold = _build_threshold(accuracy, baseline_margin, always=True)
    recall_threshold = _build_threshold(margin=baseline_recall_margin)
    balanced = AverageMetric("recall", name=names.BALANCED_ACCURACY)
    metrics = [
        _configure(tfma.metrics.ExampleCount(name=names.EXAMPLE_COUNT)),
        _configure(Accuracy(name=names.ACCURACY), accuracy_threshold),
        _configure(confusion_matrix),
        _configure(balanced, _build_threshold(balanced_accuracy)),
        _configure(LowestRecall(name=names.LOWEST_RECALL), recall_threshold),
        _configure(
            PredictedClasses(name=names.PREDICTED_CLASSES),
            _build_threshold(_FEWEST_PREDICTED_CLASSES),
        ),
        _configure(RankingMetrics(list(classes))),
    ]
    bounds = {"precision": class_precision, "recall": class_recall}
    for metric in names.DECISION_METRICS:
        metrics += _configure_decision_metric(metric, classes, bounds.get(metric, 0.0))
    return config_pb2.EvalConfig(
        model_specs=[_MODEL_SPEC],
        slicing_specs=list_slicing_specs(),
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics), *_build_plot_specs(len(classes))],
    )


def read_classes(config: config_pb2.EvalConfig) -> list[str]:
    """Return the class names that `build_eval_config` was given."""
    (ranking,) = (
        metric
        for spec in config.metrics_specs
        for metric in spec.metrics
        if metric.class_name == RankingMetrics.__name__
    )
    classes: list[str] = json.loads(ranking.config)["classes"]
    return classes


def _configure_decision_metric(
    metric: str, classes: Sequence[str], bounds: ClassBounds
) -> list[config_pb2.MetricConfig]:
    """Configure one metric of each class, and its averages over the classes."""
    by_class = [
        _configure(
            ClassMetric(metric, class_id, names.class_metric_name(metric, name)),
            _build_threshold(bounds.get(name, 0.0) if isinstance(bounds, Mapping) else bounds),
        )
        for class_id, name in enumerate(classes)
    ]
    averages = [
        _configure(
            AverageMetric(
                metric,
                names.average_metric_name(average, metric),
                weighted=average == "weighted",
            )
        )
        for average in names.AVERAGES
    ]
    return by_class + averages


def _build_plot_specs(classes: int) -> list[config_pb2.MetricsSpec]:
    """Return what TFMA computes for its plots. They have no thresholds.

    These are the confusion matrix of all classes and, for each class against the rest, the ROC,
    precision-recall, gain and calibration curves.

    Args:
      classes: number of classes.
    """
    confusion_matrix = tfma.metrics.MultiClassConfusionMatrixPlot(thresholds=list(_EVERY_IMAGE))
    curves = tfma.metrics.ConfusionMatrixPlot(num_thresholds=_CURVE_POINTS)
    calibration = tfma.metrics.CalibrationPlot(
        num_buckets=_CALIBRATION_BUCKETS, left=0.0, right=1.0
    )
    return [
        config_pb2.MetricsSpec(metrics=[_configure(confusion_matrix)]),
        config_pb2.MetricsSpec(
            metrics=[_configure(curves), _configure(calibration)],
            binarize=config_pb2.BinarizationOptions(class_ids={"values": list(range(classes))}),
        ),
    ]


def _configure(
    metric: tfma.metrics.Metric, threshold: config_pb2.MetricThreshold | None = None
) -> config_pb2.MetricConfig:
    config = config_pb2.MetricConfig(
        module=type(metric).__module__,
        class_name=type(metric).__name__,
        config=json.dumps(metric.get_config()),
    )
    if threshold:
        # A threshold without slices would apply to every slice, and the slice of noise has no
        # recall of signals.
        config.per_slice_thresholds.append(
            config_pb2.PerSliceMetricThreshold(
                slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold
            )
        )
    return config


def _build_threshold(
    lower: float = 0.0, margin: float = 0.0, always: bool = False
) -> config_pb2.MetricThreshold | None:
    if not (lower or margin or always):
        return None
    threshold = config_pb2.MetricThreshold()
    if lower or always:
        # An undefined value (the class was never predicted) fails, as it should.
        threshold.value_threshold.lower_bound.value = lower - _ROUNDING
    if margin:
        threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -margin - _ROUNDING
    return threshold
