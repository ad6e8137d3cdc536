"""The curves that the Evaluator draws for people. They decide nothing."""

from __future__ import annotations

import json

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

# TFMA's own numbers, 1,000 each, take longer to evaluate and to load, and look the same.
_CURVE_POINTS = 101
_CALIBRATION_BUCKETS = 20


def plot_specs(classes: int) -> list[tfma.MetricsSpec]:
    """Return what has TFMA compute the data of its plots.

    These are the confusion matrix of all classes and, for each class against all others, ROC,
    precision over recall, gain and calibration.

    Args:
      classes: how many there are.
    """
    by_class = [
        tfma.metrics.ConfusionMatrixPlot(num_thresholds=_CURVE_POINTS),
        tfma.metrics.CalibrationPlot(num_buckets=_CALIBRATION_BUCKETS, left=0.0, right=1.0),
    ]
    # Every prediction has a probability above 0, so none is left out of the matrix.
    of_all = tfma.metrics.MultiClassConfusionMatrixPlot(thresholds=[0.0])
    return [
        tfma.MetricsSpec(metrics=[_config(of_all)]),
        tfma.MetricsSpec(
            metrics=[_config(plot) for plot in by_class],
            binarize=config_pb2.BinarizationOptions(class_ids={"values": list(range(classes))}),
        ),
    ]


def _config(plot: tfma.metrics.Metric) -> tfma.MetricConfig:
    return tfma.MetricConfig(
        module=type(plot).__module__,
        class_name=type(plot).__name__,
        config=json.dumps(plot.get_config()),
    )
