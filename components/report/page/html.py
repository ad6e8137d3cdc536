"""Templates of the pages, and the filters that format values in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from components.pages import encode_data_uri, load_templates

if TYPE_CHECKING:
    from components.evaluator.evaluation import MetricValue


def load_template(name: str) -> jinja2.Template:
    """Return a template of this folder."""
    environment = load_templates(__package__)
    filters: dict[str, Callable[..., Markup | str]] = {
        "png": _encode_png,
        "metric": _format_metric,
        "change": _format_change,
        "setting": _format_setting,
    }
    environment.filters |= filters
    return environment.get_template(name)


def _encode_png(picture: bytes) -> str:
    return encode_data_uri(picture, "png")


def _format_metric(metric: MetricValue) -> Markup | str:
    """Format a metric with its confidence interval, or as a dash where it is undefined."""
    if metric.value is None:
        return "-"
    if not metric.interval:
        return f"{metric.value:.4f}"
    low, high = metric.interval
    return Markup('{:.4f}<span class="interval">{:.3f} to {:.3f}</span>').format(
        metric.value, low, high
    )


def _format_change(value: float | None) -> Markup | str:
    """Format the difference of two metrics with its sign."""
    if value is None:
        return ""
    # Half of the last digit shown.
    kind = "more" if value > 5e-5 else "less" if value < -5e-5 else "same"
    return Markup('<span class="{}">{}</span>').format(kind, f"{value:+.4f}")


def _format_setting(value: Any) -> str:
    """Format a configured value as a person would write it."""
    if value is None or value == "":
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return str(value)
