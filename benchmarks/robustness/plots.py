"""Plots recall by signal strength, predictions by curvature, and the conditions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binomtest

# The colours of Okabe and Ito, which colour-blind people can tell apart; markers help in print.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = "osD^vP*"


def draw_strength(
    strengths: Sequence[float], recalls: dict[str, list[float]], images: int
) -> Figure:
    """Plot the recall of each class over signal strength.

    Args:
      strengths: decibels.
      recalls: recall at each strength, by class.
      images: images behind each value, for 95 % confidence intervals.
    """
    figure, axes = _make_axes("recall")
    for number, (name, values) in enumerate(recalls.items()):
        if name == "noise":
            axes.axhline(values[0], color="grey", linestyle="--", label="noise, no signal")
        else:
            _draw_curve(axes, number, strengths, values, images, name)
    axes.set_xlabel("signal strength (dB over the noise in its FFT channel)")
    axes.set_xticks(strengths)
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return figure


def draw_curvature(
    sagittas: Sequence[float], curves: dict[str, list[float]], straight: float, images: int
) -> Figure:
    """Plot the predicted classes of curved lines over their curvature.

    Args:
      sagittas: greatest departure from the chord, in pixels.
      curves: fraction of the lines that is predicted as a class at each curvature, by class.
      straight: recall of straight lines.
      images: images behind each value, for 95 % confidence intervals.
    """
    figure, axes = _make_axes("fraction of the lines")
    for number, (name, values) in enumerate(curves.items()):
        if max(values) > 0.0:
            _draw_curve(axes, number, sagittas, values, images, f"called {name}")
    axes.axhline(straight, color="grey", linestyle="--", label="straight lines called narrowband")
    axes.set_xscale("log")
    axes.set_xticks(sagittas, [f"{pixels:g}" for pixels in sagittas])
    axes.minorticks_off()
    axes.set_xlabel("curvature: greatest departure from the chord (pixels)")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def draw_conditions(images: dict[str, np.ndarray]) -> Figure:
    """Draw one spectrogram under every condition.

    Args:
      images: grey levels [H, W] from 0 to 1, by condition.
    """
    columns = 3
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(4 * columns, 2.3 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (name, image) in zip(grid.flat, images.items(), strict=False):
        # All images share one scale, so that a darker or flatter image looks darker or flatter.
        axes.imshow(image, cmap="gray", vmin=0, vmax=1, aspect="auto")
        axes.set_title(name, fontsize=9)
    return figure


def _make_axes(ylabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    return figure, axes


def _draw_curve(
    axes: Axes, number: int, x: Sequence[float], fractions: list[float], images: int, label: str
) -> None:
    colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]
    axes.plot(x, fractions, color=colour, marker=marker, markersize=5, label=label)
    intervals = [
        binomtest(round(fraction * images), images).proportion_ci(method="wilson")
        for fraction in fractions
    ]
    low, high = np.transpose(intervals)
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
