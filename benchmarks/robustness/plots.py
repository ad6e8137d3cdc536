"""Accuracy against signal strength and against curvature, and the conditions, as figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binomtest

# Okabe and Ito's colours, which survive colour blindness; markers tell them apart in print.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = "osD^vP*"


def strength_figure(
    strengths: Sequence[float], shares: dict[str, list[float]], images: int
) -> Figure:
    """Draw the share of each class that is recognised over signal strength in decibels.

    Args:
      strengths: decibels.
      shares: by class, one for each strength.
      images: that each share is of; bands are 95 % intervals.
    """
    figure, axes = _empty("recognised, part of the class")
    for number, (name, shares_of) in enumerate(shares.items()):
        if name == "noise":
            axes.axhline(shares_of[0], color="grey", linestyle="--", label="noise, no signal")
        else:
            _curve(axes, number, strengths, shares_of, images, name)
    axes.set_xlabel("signal strength (dB over the noise in its FFT channel)")
    axes.set_xticks(strengths)
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return figure


def curvature_figure(
    sagittas: Sequence[float], curves: dict[str, list[float]], straight: float, images: int
) -> Figure:
    """Draw what curved lines are taken for over their curvature.

    Args:
      sagittas: greatest departure from the chord, in pixels.
      curves: by class, the share taken for it at each curvature.
      straight: what part of the straight lines is taken for such.
      images: that each share is of; bands are 95 % intervals.
    """
    figure, axes = _empty("part of the lines")
    for number, (name, shares) in enumerate(curves.items()):
        if max(shares) > 0.0:
            _curve(axes, number, sagittas, shares, images, f"called {name}")
    axes.axhline(straight, color="grey", linestyle="--", label="straight lines called narrowband")
    axes.set_xscale("log")
    axes.set_xticks(sagittas, [f"{pixels:g}" for pixels in sagittas])
    axes.minorticks_off()
    axes.set_xlabel("curvature: greatest departure from the chord (pixels)")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def conditions_figure(pictures: dict[str, np.ndarray]) -> Figure:
    """Draw one spectrogram under every condition.

    Args:
      pictures: by condition, grey levels [H, W] from 0 to 1.
    """
    columns = 3
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(4 * columns, 2.3 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (name, picture) in zip(grid.flat, pictures.items(), strict=False):
        # The same grey levels everywhere: darker and flatter pictures are to look it.
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, aspect="auto")
        axes.set_title(name, fontsize=9)
    return figure


def _empty(ylabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    return figure, axes


def _curve(
    axes: Axes, number: int, x: Sequence[float], shares: list[float], images: int, label: str
) -> None:
    colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]
    axes.plot(x, shares, color=colour, marker=marker, markersize=5, label=label)
    intervals = [
        binomtest(round(share * images), images).proportion_ci(method="wilson") for share in shares
    ]
    low, high = np.transpose(intervals)
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
