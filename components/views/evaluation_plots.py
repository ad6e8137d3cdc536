"""The pictures of an evaluation that need neither script nor network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_PALETTE = "colorblind"


def curves_figure(plots: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw ROC, precision over recall, and calibration of each class against all others.

    A point of the calibration is a bucket of probabilities, larger where it holds more images.

    Args:
      plots: TFMA's plots by class name, with `confusionMatrixAtThresholds` and
        `calibrationHistogramBuckets`.
    """
    figure = Figure(figsize=(12, 4), layout="constrained")
    roc, precision_recall, calibration = figure.subplots(1, 3)
    colours = seaborn.color_palette(_PALETTE, len(plots))
    for (name, plot), colour in zip(plots.items(), colours, strict=True):
        drawn = {"color": colour, "label": name}
        counts = {
            key: np.array([_number(point, key) for point in _points(plot)])
            for key in ("truePositives", "falsePositives", "trueNegatives", "falseNegatives")
        }
        positives = counts["truePositives"] + counts["falseNegatives"]
        negatives = counts["falsePositives"] + counts["trueNegatives"]
        predicted = counts["truePositives"] + counts["falsePositives"]
        recall = counts["truePositives"] / np.maximum(positives, 1)
        roc.plot(counts["falsePositives"] / np.maximum(negatives, 1), recall, **drawn)
        # Where nothing is predicted there is no precision.
        said = predicted > 0
        precision_recall.plot(
            recall[said], counts["truePositives"][said] / predicted[said], **drawn
        )
        _draw_calibration(calibration, plot, **drawn)
    calibration.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    roc.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for axes, across, up in (
        (roc, "false positive rate", "true positive rate"),
        (precision_recall, "recall", "precision"),
        (calibration, "mean probability", "part that is of the class"),
    ):
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.grid(alpha=0.3)
    figure.legend(
        *roc.get_legend_handles_labels(),
        frameon=False,
        loc="outside upper center",
        ncols=len(plots),
    )
    return figure


def runs_figure(runs: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw metrics over the runs, oldest first: accuracy, precision and recall side by side.

    Args:
      runs: a row a run, a column a metric.
      names: the metrics to draw; those that begin alike, up to an underscore, share a panel.
    """
    panels: dict[str, list[str]] = {}
    for name in names:
        panels.setdefault(name.partition("_")[0], []).append(name)
    figure = Figure(figsize=(12, 4), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (kind, members) in zip(grid, panels.items(), strict=True):
        colours = seaborn.color_palette(_PALETTE, len(members))
        for name, colour in zip(members, colours, strict=True):
            label = name.partition("_")[2] or name
            axes.plot(range(len(runs)), runs[name], marker="o", color=colour, label=label)
        axes.set_title(kind, fontsize=10)
        axes.set_xticks(range(len(runs)), runs.index, rotation=30, ha="right", fontsize=7)
        axes.grid(alpha=0.3)
        if len(members) > 1:
            axes.legend(frameon=False, fontsize=8)
    return figure


def _draw_calibration(axes: Axes, plot: Mapping[str, Any], **drawn: Any) -> None:
    """Points of the buckets that hold images, larger where they hold more."""
    buckets = plot["calibrationHistogramBuckets"]["buckets"]
    images = np.array([_number(bucket, "numWeightedExamples") for bucket in buckets])
    sums = [
        np.array([_number(bucket, key) for bucket in buckets])[images > 0]
        for key in ("totalWeightedRefinedPrediction", "totalWeightedLabel")
    ]
    images = images[images > 0]
    axes.scatter(*(of / images for of in sums), s=12 + 25 * np.log10(images), alpha=0.7, **drawn)


def _points(plot: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    # TFMA adds thresholds just outside of 0..1, which end the curves where they belong.
    return plot["confusionMatrixAtThresholds"]["matrices"]


def _number(message: Mapping[str, Any], key: str) -> float:
    """A number of a protocol buffer in JSON, which leaves zeros out."""
    return float(message.get(key, 0.0))
