"""Plots as SVG that suits a light or a dark page."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import matplotlib
from matplotlib.figure import Figure

_INK = {"light": "#1b1f24", "dark": "#e6e9ed"}


def in_both_themes(draw: Callable[..., Figure], *of) -> dict[str, bytes]:
    """Draw a figure for a light page and for a dark one.

    Returns:
      SVG with a transparent background, by "light" and "dark".
    """
    return {theme: _svg(draw, of, ink) for theme, ink in _INK.items()}


def _svg(draw: Callable[..., Figure], of: Sequence, ink: str) -> bytes:
    colours = dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), ink
    )
    # The same figures give the same file: no date, no random ids.
    stable = {"svg.hashsalt": "radio-signals"}
    with matplotlib.rc_context({**colours, **stable, "axes.facecolor": "none"}):
        figure = draw(*of)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()
