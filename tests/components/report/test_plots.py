"""Plots of the report, for classes with any names."""

import numpy as np

from components.report.page.plots import plot_precision_recall
from components.report.predictions import Predictions
from tests.data.plots.test_labels import NAMES, draw_figure


def test_curves_show_any_names():
    count = len(NAMES)
    labels = np.arange(2 * count) % count
    predictions = Predictions(
        labels,
        np.eye(count, dtype=np.float32)[labels],
        np.zeros((2 * count, 2, 3), np.uint8),
        np.full(2 * count, "file"),
        np.arange(2 * count),
    )
    figure = plot_precision_recall(predictions, NAMES)
    draw_figure(figure)
    assert len(figure.axes[0].get_legend().get_texts()) == count
