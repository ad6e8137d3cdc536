"""The report's plots, as PNG bytes."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure

from components.report.results import Results
from trainer.figures import confusion_matrix_figure

# Two hues that survive colour blindness; training and validation also differ in line style.
_TRAINING = {"color": "#0072b2", "linestyle": "--", "label": "training"}
_VALIDATION = {"color": "#d55e00", "linestyle": "-", "label": "validation"}


def confusion_matrix(results: Results) -> bytes:
    """Heat map of the confusion matrix: colour by share of the actual class, counts written."""
    return _png(confusion_matrix_figure(results.confusion_matrix, results.classes))


def training_curves(results: Results) -> bytes:
    """Loss, accuracy and learning rate over the epochs, the exported epoch marked."""
    log = results.training_log
    epochs = np.arange(1, len(log["loss"]) + 1)
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        axes.plot(epochs, log[name], **_TRAINING)
        axes.plot(epochs, log[f"val_{name}"], **_VALIDATION)
        axes.set_ylabel(name)
    rate.plot(epochs, log["learning_rate"], color="#009e73")
    rate.set_yscale("log")
    rate.set_ylabel("learning rate at the epoch's end")
    for axes in (loss, accuracy, rate):
        axes.axvline(results.training["best_epoch"], color="grey", linewidth=0.8, label="exported")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    loss.legend(frameon=False)
    return _png(figure)


def reliability_diagram(results: Results) -> bytes:
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
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()
