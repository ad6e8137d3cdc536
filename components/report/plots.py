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


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()
