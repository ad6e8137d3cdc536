"""TFMA's result of an evaluation, read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma

from components.evaluator import metric_names as names

# TFMA's key of everything that was evaluated, as opposed to a slice of it.
OVERALL = ()


def model_names(evaluation_dir: str) -> tuple[str | None, str | None]:
    """Return what TFMA calls the new model and the baseline, which it does only for two models."""
    config = tfma.load_eval_results([evaluation_dir], model_name=None).get_results()[0].config
    found = {spec.is_baseline: spec.name for spec in config.model_specs}
    return found[False] or None, found.get(True)


def load_candidate(evaluation_dir: str) -> tfma.EvalResult:
    """Return metrics and plots of the new model, not of the baseline.

    Args:
      evaluation_dir: output of the Evaluator.
    """
    return tfma.load_eval_result(evaluation_dir, model_name=model_names(evaluation_dir)[0])


def metrics_by_name(of_slice: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return a slice's metric values by name; names are unique among ours."""
    return {
        name: metric
        for by_sub_key in of_slice.values()
        for by_name in by_sub_key.values()
        for name, metric in by_name.items()
    }


def overall_metrics(result: tfma.EvalResult) -> dict[str, Any]:
    """Return the metric values of everything that was evaluated, by name."""
    (overall,) = [values for key, values in result.slicing_metrics if key == OVERALL]
    return metrics_by_name(overall)


def confusion_matrix(metrics: Mapping[str, Any], classes: int) -> np.ndarray:
    """Return int [classes, classes], rows actual, columns predicted, from metrics by name."""
    matrix = np.zeros((classes, classes), dtype=int)
    counts = metrics[names.CONFUSION_MATRIX]["multiClassConfusionMatrixAtThresholds"]
    (at_zero,) = counts["matrices"]
    for entry in at_zero["entries"]:
        # JSON of a protocol buffer leaves zeros out.
        cell = entry.get("actualClassId", 0), entry.get("predictedClassId", 0)
        matrix[cell] = round(entry.get("numWeightedExamples", 0))
    return matrix
