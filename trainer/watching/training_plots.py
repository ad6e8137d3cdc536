"""Plots of a training run. They do not use pyplot, whose state is shared by the whole process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from data.plots.contrast import find_contrast_limits
from data.plots.labels import escape_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trainer.watching.misclassified import Mistake

_COLUMNS = 4

# Drawing the numbers of more classes takes minutes, and nobody can read them.
_MOST_ANNOTATED = 20
_MOST_NAMES = 50
# Inches per class, with numbers and without.
_CELL, _PLAIN_CELL = 0.8, 0.15
# Inches for ticks and the name of an axis, above the matrix, between it and its colour bar, and for
# the bar with its numbers and its name.
_AXIS, _ABOVE, _GAP, _BAR, _BAR_TEXT = 0.6, 0.2, 0.25, 0.2, 0.8
# Width of a letter in sizes of the font, a little more than the mean.
_LETTER = 0.62


def plot_confusion_matrix(counts: npt.NDArray[np.int64], classes: Sequence[str]) -> Figure:
    """Draw a heat map of the fractions of each actual class.

    With up to 20 classes, cells show counts and fractions. With over 50, names are left out.

    Args:
      counts: int [classes, classes]: rows are actual classes, columns are predicted ones.
      classes: names of the classes, in that order.
    """
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    annotated = len(classes) <= _MOST_ANNOTATED
    texts = [
        [f"{count}\n{100 * fraction:.1f} %" for count, fraction in zip(*row, strict=True)]
        for row in zip(counts, fractions, strict=True)
    ]
    every = -(-len(classes) // _MOST_NAMES)
    labels = [escape_label(name) for name in classes[::every]]
    size, angle = (10, 30) if annotated else (6, 90)
    longest = max(map(len, labels)) * _LETTER * size / 72
    # The layout is manual, because constrained layout draws everything several times.
    inches = max((_CELL if annotated else _PLAIN_CELL) * len(classes), 2.0)
    left = _AXIS + longest
    below = _AXIS + longest * np.sin(np.radians(angle))
    width = left + inches + _GAP + _BAR + _BAR_TEXT
    height = below + inches + _ABOVE
    figure = Figure(figsize=(width, height))
    matrix = figure.add_axes((left / width, below / height, inches / width, inches / height))
    bar = ((left + inches + _GAP) / width, (below + 0.1 * inches) / height)
    axes = sns.heatmap(
        fractions,
        vmin=0,
        vmax=1,
        # It looks the same to people who confuse red and green, and prints well in grey.
        cmap="cividis",
        annot=texts if annotated else None,
        fmt="",
        square=True,
        xticklabels=False,
        yticklabels=False,
        cbar_kws={"label": "fraction of the actual class"},
        cbar_ax=figure.add_axes((*bar, _BAR / width, 0.8 * inches / height)),
        ax=matrix,
    )
    middles = np.arange(0, len(classes), every) + 0.5
    slope = {"rotation": angle} | ({"ha": "right", "rotation_mode": "anchor"} if annotated else {})
    axes.set_xticks(middles, labels, fontsize=size, **slope)
    axes.set_yticks(middles, labels, fontsize=size)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("actual class")
    return figure


def plot_mistakes(
    mistakes: Sequence[Mistake], wrong: int, images: int, classes: Sequence[str]
) -> Figure:
    """Draw misclassified spectrograms, four per row.

    Args:
      mistakes: the spectrograms to draw; without any, the plot only says so.
      wrong: number of all misclassified spectrograms.
      images: number of all spectrograms.
      classes: names of the classes.
    """
    rows = max(1, -(-len(mistakes) // _COLUMNS))
    # The layout is manual, because constrained layout draws each of the axes several times.
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
        _plot_mistake(axes, mistake, classes)
    figure.supxlabel("frequency (channel)", fontsize=9, y=0.12 / height, va="bottom")
    figure.supylabel("time (row)", fontsize=9, x=0.01)
    return figure


def render(figure: Figure, dpi: int = 100) -> npt.NDArray[np.uint8]:
    """Return a figure as uint8 [height, width, 3], its size in inches times `dpi`."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib does not type it
    rgba = canvas.buffer_rgba()  # type: ignore[no-untyped-call]  # matplotlib does not type it
    return np.asarray(rgba)[..., :3]


def _plot_mistake(axes: Axes, mistake: Mistake, classes: Sequence[str]) -> None:
    image = mistake.image
    darkest, lightest = find_contrast_limits(image)
    axes.imshow(image, cmap="gray", vmin=darkest, vmax=lightest, aspect="auto")
    axes.set_title(
        f"{escape_label(classes[mistake.predicted])} {mistake.probability:.2f}\n"
        f"actually {escape_label(classes[mistake.actual])}",
        fontsize=8,
    )
    # Drawing ticks takes most of the time. Those at the ends show the size.
    height, width = image.shape
    axes.set_xticks([0, width - 1])
    axes.set_yticks([0, height - 1])
    axes.tick_params(labelsize=6)
