"""Plots of an evaluation, for classes with any names."""

import pandas as pd

from components.views.evaluation_plots import plot_curves, plot_runs
from tests.data.plots.test_labels import NAMES, draw_figure

POINTS = [
    {"truePositives": 3.0, "falsePositives": 1.0, "trueNegatives": 4.0},
    {"truePositives": 2.0, "falseNegatives": 1.0, "trueNegatives": 5.0},
]
BUCKETS = [
    {
        "numWeightedExamples": 8.0,
        "totalWeightedRefinedPrediction": 4.0,
        "totalWeightedLabel": 3.0,
    }
]


def test_curves_show_any_names():
    plot = {
        "confusionMatrixAtThresholds": {"matrices": POINTS},
        "calibrationHistogramBuckets": {"buckets": BUCKETS},
    }
    figure = plot_curves(dict.fromkeys(NAMES, plot))
    draw_figure(figure)
    assert len(figure.legends[0].get_texts()) == len(NAMES)


def test_metrics_over_the_runs_show_any_names():
    columns = [f"recall_{name}" for name in NAMES]
    runs = pd.DataFrame([[0.5] * len(NAMES)] * 2, index=["first", "second"], columns=columns)
    figure = plot_runs(runs, columns)
    draw_figure(figure)
    assert len(figure.axes[0].get_legend().get_texts()) == len(NAMES)
