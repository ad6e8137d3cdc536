"""The report's plots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from components.report.data_statistics import MEASURES, SplitStatistics
from components.report.predictions import Predictions
from components.report.results import Results

# Hues that survive colour blindness, on light and on dark; what differs in hue differs in line
# style too.
_PALETTE = "colorblind"
_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)), (0, (1, 3)))
# Precision and recall from which on a curve is shown enlarged.
_CORNER = 0.8
_BLUE, _ORANGE, _GREEN = seaborn.color_palette(_PALETTE, 3)
_TRAINING = {"color": _BLUE, "linestyle": "--", "label": "training"}
_VALIDATION = {"color": _ORANGE, "linestyle": "-", "label": "validation"}


def precision_recall_curves(predictions: Predictions, classes: Sequence[str]) -> Figure:
    """Precision over recall of each class against the rest, over all thresholds.

    Of a good model everything worth seeing is in one corner, so that is shown by itself as well.
    """
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    panels = figure.subplots(1, 2)
    hues = seaborn.color_palette(_PALETTE, len(classes))
    for index, (name, hue) in enumerate(zip(classes, hues, strict=True)):
        is_class = predictions.labels == index
        if not is_class.any():
            continue
        precision, recall, _ = precision_recall_curve(is_class, predictions.probabilities[:, index])
        for axes in panels:
            axes.step(
                recall,
                precision,
                where="post",
                color=hue,
                linestyle=_STYLES[index % len(_STYLES)],
                label=name,
            )
    for axes, least, title in zip(panels, (0, _CORNER), ("all", "upper corner"), strict=True):
        margin = 0.01 * (1 - least)
        axes.set_xlim(least - margin, 1 + margin)
        axes.set_ylim(least - margin, 1 + margin)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("recall")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("precision")
    panels[0].legend(frameon=False, loc="lower left")
    return figure


def training_curves(results: Results) -> Figure:
    """Loss, accuracy and learning rate over the epochs, the exported epoch marked."""
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
    rate.set_ylabel("learning rate at the epoch's end")
    for axes in (loss, accuracy, rate):
        axes.axvline(results.training["best_epoch"], color="grey", linewidth=0.8, label="exported")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    loss.legend(frameon=False)
    return figure


def reliability_diagram(results: Results) -> Figure:
    """Accuracy over confidence, and images by confidence; before and after calibration."""
    calibration = results.training["calibration"]
    panels = {"as the network has it": calibration["before"]["diagram"]}
    if calibration["temperature"] is not None:
        title = f"as served, temperature {calibration['temperature']:.3f}"
        panels[title] = calibration["after"]["diagram"]
    figure = Figure(figsize=(5 * len(panels), 4.8), layout="constrained")
    grid = figure.subplots(
        2, len(panels), sharex=True, sharey="row", squeeze=False, height_ratios=[3, 1]
    )
    for (accuracy, images), (title, diagram) in zip(grid.T, panels.items(), strict=True):
        counts = np.array(diagram["images"])
        filled = counts > 0
        width = 1.0 / len(counts)
        left = np.arange(len(counts))[filled] * width
        bars = np.array(diagram["accuracy"], float)[filled]
        bar = {"align": "edge", "edgecolor": "white", "color": _TRAINING["color"]}
        accuracy.bar(left, bars, width, alpha=0.5, label="accuracy", **bar)
        accuracy.plot(
            np.array(diagram["confidence"], float)[filled],
            bars,
            "o",
            color=_VALIDATION["color"],
            label="at its mean confidence",
        )
        accuracy.plot([0, 1], [0, 1], color="grey", linewidth=0.8, label="calibrated")
        accuracy.set_title(title, fontsize=10)
        accuracy.set_ylim(0, 1.02)
        # Nearly all images of a good model are in the last bin; linear, the others would vanish.
        images.set_yscale("log")
        images.bar(left, counts[filled], width, **bar)
        images.set_xlim(0, 1)
        images.set_ylim(0.5, 3 * counts.max())
        images.set_xlabel("confidence: the greatest probability")
        for axes in (accuracy, images):
            axes.grid(alpha=0.3)
    grid[0, 0].set_ylabel("accuracy")
    grid[1, 0].set_ylabel("images")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3
    )
    return figure


def distributions(statistics: Sequence[SplitStatistics]) -> Figure:
    """What was measured of the spectrograms of each split, as histograms over one another."""
    measures = [name for name in MEASURES if _varies(statistics, name)]
    figure = Figure(figsize=(3 * len(measures), 2.8), layout="constrained")
    grid = figure.subplots(1, len(measures), squeeze=False)[0]
    drawn = (_TRAINING, _VALIDATION)
    for axes, name in zip(grid, measures, strict=True):
        for split, style in zip(statistics, drawn, strict=False):
            measure = split.measures[name]
            seaborn.histplot(
                x=measure.edges[:-1],
                weights=measure.images,
                bins=list(measure.edges),
                # Of sets of different size, with bins of different width.
                stat="density",
                element="step",
                alpha=0.15,
                color=style["color"],
                linestyle=style["linestyle"],
                label=split.split,
                ax=axes,
            )
        axes.set_xlabel(name.replace("_", " "))
        # The area under each line is 1: how high it is depends on the measure's unit.
        axes.set_ylabel("")
        axes.set_yticks([])
    grid[0].set_ylabel("share of the spectrograms")
    figure.legend(
        *grid[0].get_legend_handles_labels(),
        frameon=False,
        loc="outside upper center",
        ncols=len(statistics),
    )
    return figure


def _varies(statistics: Sequence[SplitStatistics], name: str) -> bool:
    """Whether every split has more than one value of a measure."""
    measures = [split.measures.get(name) for split in statistics]
    return all(measure is not None and measure.least < measure.greatest for measure in measures)
