"""TFMA's web components in a frame of their own: one document that needs nothing beside it."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup

from components.views.resources import template, text


@dataclass(frozen=True)
class Mount:
    """One of TFMA's elements and what it shows.

    Attributes:
      label: what tells it from the others of its view.
      tag: the element, `tfma-nb-slicing-metrics` for one.
      config, data: its properties, of plain JSON values.
    """

    label: str
    tag: str
    config: Mapping[str, Any]
    data: Any


@dataclass(frozen=True)
class View:
    """A part of the frame.

    Attributes:
      heading: above it.
      choices: what can be shown there, one at a time, the first at the start.
      choice_of: what the choices are of.
    """

    heading: str
    choices: Sequence[Mount]
    choice_of: str = ""


def document(views: Sequence[View]) -> str:
    """Return the HTML document that shows the views.

    It looks for Google Charts, with which TFMA draws, and draws with `offline_charts.js` where
    they cannot be reached. As a frame it has no height until it has something to show.
    """
    mounts = [
        [{"tag": one.tag, "config": one.config, "data": one.data} for one in view.choices]
        for view in views
    ]
    return template("tfma_frame.html").render(
        views=views,
        mounts=mounts,
        components=_components(),
        offline_charts=Markup(text("offline_charts.js")),
        boot=Markup(text("tfma_frame.js")),
    )


@cache
def _components() -> str:
    """TFMA's script, compressed: 0.4 MB in the place of 1.2, and nothing in it to be escaped."""
    script = resources.files("tensorflow_model_analysis").joinpath("static/vulcanized_tfma.js")
    # No time stamp, so that the same evaluation gives the same page.
    return base64.b64encode(gzip.compress(script.read_bytes(), mtime=0)).decode()
