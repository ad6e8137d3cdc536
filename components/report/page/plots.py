"""The plots of the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from components.report.data_statistics import MEASURED_FEATURES, SplitStatistics
from components.report.predictions import Predictions
from components.report.results import Results
from data.plots.labels import escape_label

# Colours that colour-blind people can tell apart, on light and on dark. Lines of different colour
# have different styles as well.
_PALETTE = "colorblind"
_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)), (0, (1, 3)))
# The enlarged plot shows precision and recall from here on.
_CORNER = 0.8
_BLUE, _ORANGE, _GREEN = sns.color_palette(_PALETTE, 3)
_TRAINING = {"color": _BLUE, "linestyle": "--", "label": "training"}
_VALIDATION = {"color": _ORANGE, "linestyle": "-", "label": "validation"}
_TEST = {"color": _GREEN, "linestyle": ":", "label": "test"}


def plot_precision_recall(predictions: Predictions, classes: Sequence[str]) -> Figure:
    """Draw the precision-recall curve of each class against the rest.

    The curves of a good model lie in one corner, so a second panel enlarges that corner.
    """
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    panels = figure.subplots(1, 2)
    colours = sns.color_palette(_PALETTE, len(classes))
    for index, (name, colour) in enumerate(zip(classes, colours, strict=True)):
        is_class = predictions.labels == index
        if not is_class.any():
            continue
        precision, recall, _ = precision_recall_curve(is_class, predictions.probabilities[:, index])
        style = {
            "color": colour,
            "linestyle": _STYLES[index % len(_STYLES)],
            "label": escape_label(name),
        }
        for axes in panels:
            axes.step(recall, precision, where="post", **style)
    for axes, lowest, title in zip(panels, (0, _CORNER), ("all", "upper corner"), strict=True):
        margin = 0.01 * (1 - lowest)
        axes.set_xlim(lowest - margin, 1 + margin)
        axes.set_ylim(lowest - margin, 1 + margin)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("recall")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("precision")
    panels[0].legend(frameon=False, loc="lower left")
    return figure


def plot_training_curves(results: Results) -> Figure:
    """Draw loss, accuracy and learning rate over the epochs, and mark the exported epoch."""
    log = results.training_log
    epochs = np.arange(1, len(log["loss"]) + 1)
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        axes.plot(epochs, log[name], **_TRAINING)
        axes.plot(epochs, log[f"val_{name}"], **_VALIDATION)
        axes.set_ylabel(name)
    rate.plot(epochs, log["learning_rate"], color=_GREEN)
    rate.set_yscale("log")
    rate.set_ylabel("learning rate at end of epoch")
    for axes in (loss, accuracy, rate):
        axes.axvline(results.training["best_epoch"], color="grey", linewidth=0.8, label="exported")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    loss.legend(frameon=False)
    return figure


def plot_reliability_diagram(results: Results) -> Figure:
    """Draw accuracy and number of images over confidence, before and after calibration."""
    calibration = results.training["calibration"]
    panels = {"network": calibration["before"]["diagram"]}
    if calibration["temperature"] is not None:
        title = f"served, temperature {calibration['temperature']:.3f}"
        panels[title] = calibration["after"]["diagram"]
    figure = Figure(figsize=(5 * len(panels), 4.8), layout="constrained")
    grid = figure.subplots(
        2, len(panels), sharex=True, sharey="row", squeeze=False, height_ratios=[3, 1]
    )
    for (accuracy, images), (title, diagram) in zip(grid.T, panels.items(), strict=True):
        accuracy.set_title(title, fontsize=10)
        _plot_reliability(accuracy, images, diagram)
    grid[0, 0].set_ylabel("accuracy")
    grid[1, 0].set_ylabel("images")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3
    )
    return figure


def _plot_reliability(accuracy: Axes, images: Axes, diagram: dict[str, Any]) -> None:
    counts = np.array(diagram["images"])
    filled = counts > 0
    width = 1.0 / len(counts)
    left = np.arange(len(counts))[filled] * width
    heights = np.array(diagram["accuracy"], float)[filled]
    means = np.array(diagram["confidence"], float)[filled]
    bar = {"align": "edge", "edgecolor": "white", "color": _BLUE}
    accuracy.bar(left, heights, width, alpha=0.5, label="accuracy", **bar)
    accuracy.plot(means, heights, "o", color=_ORANGE, label="accuracy at mean confidence")
    accuracy.plot([0, 1], [0, 1], color="grey", linewidth=0.8, label="perfect calibration")
    accuracy.set_ylim(0, 1.02)
    # Most images of a good model are in the last bin. On a linear scale the others would vanish.
    images.set_yscale("log")
    images.bar(left, counts[filled], width, **bar)
    images.set_xlim(0, 1)
    images.set_ylim(0.5, 3 * counts.max())
    images.set_xlabel("confidence (highest probability)")
    for axes in (accuracy, images):
        axes.grid(alpha=0.3)


def plot_distributions(statistics: Sequence[SplitStatistics]) -> Figure:
    """Draw a histogram of each measured feature, with the splits overlaid."""
    features = [name for name in MEASURED_FEATURES if _varies(statistics, name)]
    figure = Figure(figsize=(3 * len(features), 2.8), layout="constrained")
    grid = figure.subplots(1, len(features), squeeze=False)[0]
    for axes, name in zip(grid, features, strict=True):
        for split, style in zip(statistics, (_TRAINING, _VALIDATION, _TEST), strict=False):
            distribution = split.features[name]
            sns.histplot(
                x=distribution.edges[:-1],
                weights=distribution.images,
                bins=list(distribution.edges),
                # Makes splits of different sizes and bins of different widths comparable.
                stat="density",
                element="step",
                alpha=0.15,
                color=style["color"],
                linestyle=style["linestyle"],
                label=split.split,
                ax=axes,
            )
        axes.set_xlabel(name.replace("_", " "))
        # The area under each line is 1, so the heights depend on the unit of the feature.
        axes.set_ylabel("")
        axes.set_yticks([])
    grid[0].set_ylabel("density of spectrograms")
    figure.legend(
        *grid[0].get_legend_handles_labels(),
        frameon=False,
        loc="outside upper center",
        ncols=len(statistics),
    )
    return figure


def _varies(statistics: Sequence[SplitStatistics], name: str) -> bool:
    """Whether every split has more than one value of a feature."""
    distributions = [split.features.get(name) for split in statistics]
    return all(
        distribution is not None and distribution.minimum < distribution.maximum
        for distribution in distributions
    )
