"""Lists the thresholds of an evaluation, and says in sentences why a model was not blessed."""

from __future__ import annotations

import json
import math
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto.validation_result_pb2 import ValidationFailure

from components.evaluator import metric_names as names
from components.evaluator.served.record import read_record
from components.evaluator.tfma_results import load_results, overall_metrics

# Configuration keys by the name of the metric, or by its first word for a metric of a class.
_LOWER_BOUND_KEYS = {
    names.ACCURACY: "thresholds.accuracy",
    names.BALANCED_ACCURACY: "thresholds.balanced_accuracy",
    "precision": "thresholds.class_precision",
    "recall": "thresholds.class_recall",
}
# The same for comparisons with the baseline.
_MARGIN_KEYS = {
    names.ACCURACY: "thresholds.baseline_margin",
    names.LOWEST_RECALL: "thresholds.baseline_recall_margin",
}
_SPOKEN_NAMES = {
    names.BALANCED_ACCURACY: "balanced accuracy",
    names.LOWEST_RECALL: "the lowest recall of a class",
    names.PREDICTED_CLASSES: "number of predicted classes",
}


def describe_failed_thresholds(evaluation_dir: str) -> list[str]:
    """Return a sentence for each threshold or limit that the model failed, none if it was blessed.

    Args:
      evaluation_dir: the output `evaluation` of the Evaluator.
    """
    result = tfma.load_validation_result(evaluation_dir)
    sentences = [
        describe_failure(failure)
        for validation in result.metric_validations_per_slice
        for failure in validation.failures
    ]
    if not result.validation_ok and not sentences:
        sentences = ["the evaluation has no value for a metric that has a threshold"]
    return [*sentences, *read_record(evaluation_dir).get("excesses", ())]


def list_thresholds(evaluation_dir: str) -> list[dict[str, Any]]:
    """Return the thresholds that applied.

    Args:
      evaluation_dir: the output `evaluation` of the Evaluator.

    Returns:
      For each threshold `metric`, its name in words, the bound `at_least`, and the value
      `measured`, which is None where it is undefined.
    """
    results = load_results(evaluation_dir)
    values = overall_metrics(results.candidate)
    reference = overall_metrics(results.baseline) if results.baseline else {}
    thresholds = []
    specs = results.candidate.config.metrics_specs
    for metric in (metric for spec in specs for metric in spec.metrics):
        name = json.loads(metric.config).get("name")
        spoken_name = _name_in_words(name)
        for threshold in (bound.threshold for bound in metric.per_slice_thresholds):
            value = float(values[name]["doubleValue"])
            if threshold.value_threshold.lower_bound.value > 0:
                bound = threshold.value_threshold.lower_bound.value
                thresholds.append((spoken_name, bound, value))
            if threshold.HasField("change_threshold") and name in reference:
                change = value - float(reference[name]["doubleValue"])
                bound = threshold.change_threshold.absolute.value
                thresholds.append((f"{spoken_name}, minus that of the baseline", bound, change))
    return [
        {
            "metric": spoken_name,
            # Without the allowance for rounding.
            "at_least": round(bound, 6),
            "measured": None if math.isnan(value) else value,
        }
        for spoken_name, bound, value in thresholds
    ]


def _name_in_words(name: str) -> str:
    return _SPOKEN_NAMES.get(name, name.replace("_", " of ", 1))


def describe_failure(failure: ValidationFailure) -> str:
    """Return a sentence with the value, the bound and its configuration key."""
    name = failure.metric_key.name
    spoken_name = _name_in_words(name)
    value = failure.metric_value.double_value.value
    threshold = failure.metric_threshold
    if failure.metric_key.is_diff:
        allowed = -threshold.change_threshold.absolute.value
        return (
            f"{spoken_name} is {-value:.4f} below the baseline's, more than the {allowed:g} "
            f"allowed ({_MARGIN_KEYS[name]})"
        )
    bound = threshold.value_threshold.lower_bound.value
    if name == names.PREDICTED_CLASSES:
        return (
            f"the model predicts only {value:g} of the classes, but must predict at least "
            f"{bound:.0f}"
        )
    key = _LOWER_BOUND_KEYS.get(name) or _LOWER_BOUND_KEYS[name.partition("_")[0]]
    if math.isnan(value):
        why = "the class was never predicted" if "precision" in key else "the class has no images"
        return f"{spoken_name} is undefined ({why}), but {key} is {bound:g}"
    return f"{spoken_name} is {value:.4f}, {bound - value:.4f} below {key} = {bound:g}"
