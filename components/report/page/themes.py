"""Plots for a light and for a dark page."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import ParamSpec

import matplotlib as mpl
from matplotlib.figure import Figure

from components.pages import encode_data_uri

_INK = {"light": "#1b1f24", "dark": "#e6e9ed"}

P = ParamSpec("P")


def plot_in_themes(draw: Callable[P, Figure], *args: P.args, **kwargs: P.kwargs) -> dict[str, str]:
    """Draw a plot for a light and for a dark page.

    Args:
      draw: function that draws the plot.
      args: positional arguments for `draw`.
      kwargs: keyword arguments for `draw`.

    Returns:
      Data URIs of SVG with a transparent background, by "light" and "dark".
    """
    text_and_axes = ("text.color", "axes.edgecolor", "axes.labelcolor")
    colours = dict.fromkeys((*text_and_axes, "xtick.color", "ytick.color"), _INK["light"])
    style = {
        **colours,
        "axes.facecolor": "none",
        # With a fixed salt and no date, the file depends only on its content.
        "svg.hashsalt": "radio-signals",
    }
    with mpl.rc_context(style):
        buffer = io.BytesIO()
        figure = draw(*args, **kwargs)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    light = buffer.getvalue().decode()
    # Only the ink differs, and drawing twice would take seconds.
    return {
        theme: encode_data_uri(light.replace(_INK["light"], ink).encode(), "svg+xml")
        for theme, ink in _INK.items()
    }
