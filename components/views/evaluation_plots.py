"""Plots of an evaluation that need neither scripts nor network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from data.plots.labels import escape_label

_PALETTE = "colorblind"


def plot_curves(plots: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw the ROC, precision-recall and calibration curves of each class against the rest.

    A point of the calibration curve is a bucket of probabilities. It is larger if the bucket holds
    more images.

    Args:
      plots: TFMA's plots by class name, with `confusionMatrixAtThresholds` and
        `calibrationHistogramBuckets`.
    """
    figure = Figure(figsize=(12, 4), layout="constrained")
    roc, precision_recall, calibration = figure.subplots(1, 3)
    colours = sns.color_palette(_PALETTE, len(plots))
    for (name, plot), colour in zip(plots.items(), colours, strict=True):
        style = {"color": colour, "label": escape_label(name)}
        # TFMA adds thresholds just outside of 0..1, so that the curves reach their ends.
        points = plot["confusionMatrixAtThresholds"]["matrices"]
        true_positives = _collect(points, "truePositives")
        false_positives = _collect(points, "falsePositives")
        positives = true_positives + _collect(points, "falseNegatives")
        negatives = false_positives + _collect(points, "trueNegatives")
        predicted = true_positives + false_positives
        recall = true_positives / np.maximum(positives, 1)
        roc.plot(false_positives / np.maximum(negatives, 1), recall, **style)
        # Precision is undefined where nothing is predicted.
        defined = predicted > 0
        precision = true_positives[defined] / predicted[defined]
        precision_recall.plot(recall[defined], precision, **style)
        _plot_calibration(calibration, plot["calibrationHistogramBuckets"]["buckets"], style)
    for axes in (calibration, roc):
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    _label(roc, "false positive rate", "true positive rate")
    _label(precision_recall, "recall", "precision")
    _label(calibration, "mean probability", "fraction that is of the class")
    handles, labels = roc.get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, loc="outside upper center", ncols=len(plots))
    return figure


def plot_runs(runs: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw metrics over the runs, oldest first: accuracy, precision and recall side by side.

    Args:
      runs: one row for each run, one column for each metric.
      names: the metrics to draw. Those with the same first word, up to an underscore, share a
        panel.
    """
    panels: dict[str, list[str]] = {}
    for name in names:
        panels.setdefault(name.partition("_")[0], []).append(name)
    figure = Figure(figsize=(12, 4), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (kind, members) in zip(grid, panels.items(), strict=True):
        colours = sns.color_palette(_PALETTE, len(members))
        for name, colour in zip(members, colours, strict=True):
            label = escape_label(name.partition("_")[2] or name)
            axes.plot(range(len(runs)), runs[name], marker="o", color=colour, label=label)
        axes.set_title(kind, fontsize=10)
        axes.set_xticks(range(len(runs)), runs.index, rotation=30, ha="right", fontsize=7)
        axes.grid(alpha=0.3)
        if len(members) > 1:
            axes.legend(frameon=False, fontsize=8)
    return figure


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.grid(alpha=0.3)


def _plot_calibration(
    axes: Axes, buckets: Sequence[Mapping[str, Any]], style: Mapping[str, Any]
) -> None:
    images = _collect(buckets, "numWeightedExamples")
    filled = images > 0
    images = images[filled]
    probability = _collect(buckets, "totalWeightedRefinedPrediction")[filled] / images
    fraction = _collect(buckets, "totalWeightedLabel")[filled] / images
    axes.scatter(probability, fraction, 12 + 25 * np.log10(images), alpha=0.7, **style)


def _collect(messages: Sequence[Mapping[str, Any]], key: str) -> NDArray[np.float64]:
    """Return one number of each protocol buffer in JSON, which omits zeros."""
    return np.array([float(message.get(key, 0.0)) for message in messages])
