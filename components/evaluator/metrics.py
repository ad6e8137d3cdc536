"""What the Evaluator measures and what a model must reach to be blessed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import tensorflow_model_analysis as tfma

from components.evaluator import decisions
from data import example_features

ACCURACY = "accuracy"
CONFUSION_MATRIX = "confusion_matrix"


def precision_name(class_name: str) -> str:
    """Return the name of a class's precision among the metrics."""
    return f"precision_{class_name}"


def recall_name(class_name: str) -> str:
    """Return the name of a class's recall among the metrics."""
    return f"recall_{class_name}"


def eval_config(
    classes: Sequence[str],
    accuracy: float,
    class_precision: float,
    class_recall: float,
    baseline_margin: float,
) -> tfma.EvalConfig:
    """Return TFMA's configuration.

    A prediction is the class of the highest probability, as it is for whoever uses the served
    model.

    Args:
      classes: names in the order of the model's outputs.
      accuracy: the least accuracy over all classes.
      class_precision, class_recall: the least of every class, 0 for no bound.
      baseline_margin: how far accuracy may lie below the baseline's, 0 for no comparison.
    """
    metrics = [
        _metric(tfma.metrics.ExampleCount()),
        _with_threshold(
            decisions.Accuracy(name=ACCURACY),
            lower=accuracy,
            # Always present: without any threshold the Evaluator blesses nothing.
            always=True,
            margin=baseline_margin,
        ),
        # Every prediction has a probability above 0, so none is left out of the matrix.
        _metric(
            tfma.metrics.MultiClassConfusionMatrixAtThresholds(
                thresholds=[0.0], name=CONFUSION_MATRIX
            )
        ),
    ]
    for index, name in enumerate(classes):
        metrics += [
            _with_threshold(
                decisions.ClassPrecision(index, name=precision_name(name)),
                lower=class_precision,
            ),
            _with_threshold(
                decisions.ClassRecall(index, name=recall_name(name)),
                lower=class_recall,
            ),
        ]
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                signature_name="serving_default",
                prediction_key="probabilities",
                label_key=example_features.LABEL,
            )
        ],
        slicing_specs=[tfma.SlicingSpec()],
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
    )


def _metric(metric: tfma.metrics.Metric) -> tfma.MetricConfig:
    return tfma.MetricConfig(
        module=type(metric).__module__,
        class_name=type(metric).__name__,
        config=json.dumps(metric.get_config()),
    )


def _with_threshold(
    metric: tfma.metrics.Metric, lower: float, always: bool = False, margin: float = 0.0
) -> tfma.MetricConfig:
    config = _metric(metric)
    if lower or always:
        # An undefined value (no prediction of a class) fails, as it should.
        config.threshold.value_threshold.lower_bound.value = lower
    if margin:
        config.threshold.change_threshold.direction = tfma.MetricDirection.HIGHER_IS_BETTER
        config.threshold.change_threshold.absolute.value = -margin
    return config


def failed_thresholds(evaluation_dir: str) -> list[str]:
    """Return a sentence for each threshold that an evaluated model failed, none if blessed.

    Args:
      evaluation_dir: output of the Evaluator.
    """
    sentences = []
    result = tfma.load_validation_result(evaluation_dir)
    for of_slice in result.metric_validations_per_slice:
        for failure in of_slice.failures:
            sentences.append(_sentence(failure))
    if not result.validation_ok and not sentences:
        sentences.append("the evaluation has no value for a metric that has a threshold")
    return sentences


def _sentence(failure) -> str:
    name = failure.metric_key.name.replace("_", " ", 1)
    value = failure.metric_value.double_value.value
    threshold = failure.metric_threshold
    if failure.metric_key.is_diff:
        allowed = -threshold.change_threshold.absolute.value
        return (
            f"{name} is {-value:.4f} below the baseline's, more than the {allowed:g} allowed "
            "(thresholds.baseline_margin)"
        )
    bound = threshold.value_threshold.lower_bound.value
    key = "thresholds." + (
        name if name == ACCURACY else "class_" + failure.metric_key.name.partition("_")[0]
    )
    if math.isnan(value):
        why = "the class was never predicted" if "precision" in key else "no image is of the class"
        return f"{name} is undefined ({why}), {key} is {bound:g}"
    return f"{name} is {value:.4f}, {bound - value:.4f} below {key} = {bound:g}"
