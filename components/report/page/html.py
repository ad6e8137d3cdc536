"""Templates of self-contained pages, and what they show figures and pictures with."""

from __future__ import annotations

from collections.abc import Callable

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

from components.pages import data_uri, templates
from components.report.page.themes import in_both_themes


def template(name: str) -> jinja2.Template:
    """Return a template of this folder."""
    environment = templates(__package__)
    environment.filters |= {"png": _png, "figure": _figure, "change": _change, "plain": _plain}
    return environment.get_template(name)


def plot(draw: Callable[..., Figure], *of) -> dict[str, str]:
    """Return a plot for a light page and for a dark one, as addresses that hold it."""
    return {theme: data_uri(svg, "svg+xml") for theme, svg in in_both_themes(draw, *of).items()}


def _png(picture: bytes) -> str:
    return data_uri(picture, "png")


def _figure(found) -> Markup | str:
    """A figure with its interval; a dash where there is nothing to measure."""
    if found.value is None:
        return "-"
    if not found.interval:
        return f"{found.value:.4f}"
    low, high = found.interval
    return Markup('{:.4f}<span class="interval">{:.3f} to {:.3f}</span>').format(
        found.value, low, high
    )


def _change(value: float | None) -> Markup | str:
    """A difference to the baseline, with its sign."""
    if value is None:
        return ""
    # Half of the last digit shown.
    kind = "more" if value > 5e-5 else "less" if value < -5e-5 else "same"
    return Markup('<span class="{}">{}</span>').format(kind, f"{value:+.4f}")


def _plain(value) -> str:
    """A configured value as a person would write it."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "{}" if value == {} else str(value)
