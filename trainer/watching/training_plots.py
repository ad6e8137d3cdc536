"""The pictures of a training run. Nothing here touches pyplot, whose state is the process's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import seaborn
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from data.contrast import shown_range

if TYPE_CHECKING:
    from trainer.quality.misclassified import Mistake

_COLUMNS = 4


def confusion_matrix_figure(counts: np.ndarray, classes: Sequence[str]) -> Figure:
    """Draw a heat map: colour by share of the actual class, count and share written.

    Args:
      counts: int [classes, classes], rows the actual class, columns the predicted one.
      classes: their names, in that order.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    written = [
        [f"{count}\n{100 * share:.1f} %" for count, share in zip(*row, strict=True)]
        for row in zip(counts, shares, strict=True)
    ]
    size = 2.2 + 0.8 * len(classes)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axes = seaborn.heatmap(
        shares,
        vmin=0,
        vmax=1,
        # Looks the same to people who confuse red and green, and prints in grey.
        cmap="cividis",
        annot=written,
        fmt="",
        square=True,
        xticklabels=classes,
        yticklabels=classes,
        cbar_kws={"label": "share of the actual class", "shrink": 0.8},
        ax=figure.add_subplot(),
    )
    axes.tick_params("x", rotation=30)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right")
    axes.tick_params("y", rotation=0)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("actual class")
    return figure


def mistakes_figure(
    mistakes: Sequence[Mistake], wrong: int, images: int, classes: Sequence[str]
) -> Figure:
    """Draw misclassified spectrograms, four a row.

    Args:
      mistakes: those to draw; none gives a picture that says so.
      wrong: how many there are in all.
      images: how many spectrograms were classified.
      classes: the classes' names.
    """
    rows = max(1, -(-len(mistakes) // _COLUMNS))
    # Laid out by hand: constrained layout draws every one of the axes several times.
    inches, above, below = 2.0 * rows, 0.4, 0.6
    height = inches + above + below
    figure = Figure(figsize=(12, height))
    title = f"{wrong:,} of {images:,} validation spectrograms misclassified"
    if wrong > len(mistakes):
        title += f"; the {len(mistakes)} that the model is most sure of"
    figure.suptitle(title, fontsize=11, y=1 - 0.12 / height, va="top")
    if not mistakes:
        return figure
    grid = figure.subplots(rows, _COLUMNS, squeeze=False)
    figure.subplots_adjust(
        left=0.06,
        right=0.99,
        bottom=below / height,
        top=1 - (above + 0.4) / height,
        wspace=0.15,
        hspace=0.6,
    )
    for axes in grid.flat[len(mistakes) :]:
        axes.set_axis_off()
    for axes, mistake in zip(grid.flat, mistakes, strict=False):
        image = mistake.image
        darkest, lightest = shown_range(image)
        axes.imshow(image, cmap="gray", vmin=darkest, vmax=lightest, aspect="auto")
        axes.set_title(
            f"{classes[mistake.predicted]} {mistake.probability:.2f}\n"
            f"actually {classes[mistake.actual]}",
            fontsize=8,
        )
        # Most of the time that a picture takes goes into ticks. The ends tell the size.
        height_px, width_px = image.shape
        axes.set_xticks([0, width_px - 1])
        axes.set_yticks([0, height_px - 1])
        axes.tick_params(labelsize=6)
    figure.supxlabel("frequency (channel)", fontsize=9, y=0.12 / height, va="bottom")
    figure.supylabel("time (row)", fontsize=9, x=0.01)
    return figure


def pixels(figure: Figure, dpi: int = 100) -> np.ndarray:
    """Return a figure as uint8 [height, width, 3], its size in inches times `dpi`."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]
