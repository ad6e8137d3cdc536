"""Why a model was not blessed, in sentences."""

from __future__ import annotations

import math

import tensorflow_model_analysis as tfma

from components.evaluator import metric_names as names

# By the metric's name, or by its first word for those of a class; compared with the baseline or
# not.
_KEYS = {
    names.ACCURACY: "thresholds.accuracy",
    names.BALANCED_ACCURACY: "thresholds.balanced_accuracy",
    "precision": "thresholds.class_precision",
    "recall": "thresholds.class_recall",
}
_MARGINS = {
    names.ACCURACY: "thresholds.baseline_margin",
    names.LOWEST_RECALL: "thresholds.baseline_recall_margin",
}
_SPOKEN = {
    names.BALANCED_ACCURACY: "balanced accuracy",
    names.LOWEST_RECALL: "the lowest recall of a class",
}


def failed_thresholds(evaluation_dir: str) -> list[str]:
    """Return a sentence for each threshold that an evaluated model failed, none if blessed.

    Args:
      evaluation_dir: output of the Evaluator.
    """
    sentences = []
    result = tfma.load_validation_result(evaluation_dir)
    for of_slice in result.metric_validations_per_slice:
        for failure in of_slice.failures:
            sentences.append(sentence(failure))
    if not result.validation_ok and not sentences:
        sentences.append("the evaluation has no value for a metric that has a threshold")
    return sentences


def sentence(failure) -> str:
    """Return what a TFMA `ValidationFailure` says: the value, the bound and its key."""
    name = failure.metric_key.name
    spoken = _SPOKEN.get(name, name.replace("_", " ", 1))
    value = failure.metric_value.double_value.value
    threshold = failure.metric_threshold
    if failure.metric_key.is_diff:
        allowed = -threshold.change_threshold.absolute.value
        return (
            f"{spoken} is {-value:.4f} below the baseline's, more than the {allowed:g} allowed "
            f"({_MARGINS[name]})"
        )
    bound = threshold.value_threshold.lower_bound.value
    key = _KEYS.get(name) or _KEYS[name.partition("_")[0]]
    if math.isnan(value):
        why = "the class was never predicted" if "precision" in key else "no image is of the class"
        return f"{spoken} is undefined ({why}), {key} is {bound:g}"
    return f"{spoken} is {value:.4f}, {bound - value:.4f} below {key} = {bound:g}"
