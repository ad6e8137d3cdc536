"""What an evaluation found out about the new model, read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma

# TFMA's key of everything that was evaluated, as opposed to a slice of it.
OVERALL = ()

_CONFUSION_MATRIX = "multiClassConfusionMatrixAtThresholds"


def load_candidate(evaluation_dir: str) -> tfma.EvalResult:
    """Return metrics and plots of the new model, not of the baseline.

    Args:
      evaluation_dir: output of the Evaluator.
    """
    # TFMA names models only where there are two of them.
    models = tfma.load_eval_results([evaluation_dir], model_name=None).get_results()[0]
    names = [spec.name for spec in models.config.model_specs if not spec.is_baseline]
    return tfma.load_eval_result(evaluation_dir, model_name=names[0] or None)


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


def confusion_matrix(result: tfma.EvalResult, classes: int) -> np.ndarray:
    """Return int [classes, classes] of everything, rows actual, columns predicted."""
    matrix = np.zeros((classes, classes), dtype=int)
    (counts,) = [
        metric[_CONFUSION_MATRIX]
        for name, metric in overall_metrics(result).items()
        # With a baseline there is what has changed, as well.
        if _CONFUSION_MATRIX in metric and not name.endswith("_diff")
    ]
    (at_zero,) = counts["matrices"]
    for entry in at_zero["entries"]:
        # JSON of a protocol buffer leaves zeros out.
        cell = entry.get("actualClassId", 0), entry.get("predictedClassId", 0)
        matrix[cell] = round(entry.get("numWeightedExamples", 0))
    return matrix
