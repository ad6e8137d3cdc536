"""Reads TFMA's results of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow_model_analysis as tfma
from numpy.typing import NDArray
from tensorflow_model_analysis.writers import eval_config_writer

from components.evaluator import metric_names as names

OVERALL = ()
"""TFMA's key of the whole split, as opposed to a slice."""


class ModelResults(NamedTuple):
    """Metrics and plots of each model in an evaluation, as TFMA loads them.

    Attributes:
      candidate: the new model.
      baseline: the model that it was compared with, None where there was none.
    """

    candidate: tfma.EvalResult
    baseline: tfma.EvalResult | None


def load_results(evaluation_dir: str) -> ModelResults:
    """Load an evaluation.

    Args:
      evaluation_dir: the output `evaluation` of the Evaluator.
    """
    # `tfma.load_eval_results` would convert every point of every curve to get the configuration.
    config, *_ = eval_config_writer.load_eval_run(evaluation_dir)
    # TFMA names models only where there are two.
    model_names = {spec.is_baseline: spec.name or None for spec in config.model_specs}
    candidate, *baseline = (
        tfma.load_eval_result(evaluation_dir, model_name=model_names[is_baseline])
        for is_baseline in sorted(model_names)
    )
    return ModelResults(candidate, *(baseline or [None]))


def metrics_by_name(slice_metrics: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the metrics of a slice by name. All our metrics have different names.

    Args:
      slice_metrics: the metrics by output, by class and by name, as TFMA stores them.
    """
    return {
        name: metric
        for by_class in slice_metrics.values()
        for by_name in by_class.values()
        for name, metric in by_name.items()
    }


def overall_metrics(result: tfma.EvalResult) -> dict[str, Any]:
    """Return the metrics of the whole split by name."""
    return metrics_by_name(dict(result.slicing_metrics)[OVERALL])


def confusion_matrix(metrics: Mapping[str, Any], classes: int) -> NDArray[np.int64]:
    """Return int [classes, classes], rows actual, columns predicted, from metrics by name."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    counts = metrics[names.CONFUSION_MATRIX]["multiClassConfusionMatrixAtThresholds"]
    (at_zero,) = counts["matrices"]
    for entry in at_zero["entries"]:
        # The JSON form of a protocol buffer omits zeros.
        cell = entry.get("actualClassId", 0), entry.get("predictedClassId", 0)
        matrix[cell] = round(entry.get("numWeightedExamples", 0))
    return matrix
