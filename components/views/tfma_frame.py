"""TFMA's web components in a frame: one HTML document that contains everything it needs."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from components.views.resources import load_template, read_script


@dataclass(frozen=True)
class Mount:
    """One of TFMA's elements and what it shows.

    Attributes:
      label: distinguishes it from the other elements of its view.
      tag: tag of the element, such as `tfma-nb-slicing-metrics`.
      config: its property `config`, of plain JSON values.
      data: its property `data`, of plain JSON values.
    """

    label: str
    tag: str
    config: Mapping[str, Any]
    data: Any


@dataclass(frozen=True)
class View:
    """A section of the frame.

    Attributes:
      heading: the heading of the section.
      choices: the elements that the section can show, one at a time, the first to begin with.
      choice_of: what the reader chooses, in a word; empty for a single choice.
    """

    heading: str
    choices: Sequence[Mount]
    choice_of: str = ""


def render_frame(views: Sequence[View]) -> str:
    """Return the HTML document that shows the views.

    TFMA draws with Google Charts. If they cannot be reached, `offline_charts.js` draws instead. A
    frame with this document has no height until there is something to show.
    """
    mounts = [
        [{"tag": mount.tag, "config": mount.config, "data": mount.data} for mount in view.choices]
        for view in views
    ]
    return load_template("tfma_frame.html").render(
        views=views,
        mounts=mounts,
        components=_pack_components(),
        offline_charts=read_script("offline_charts.js"),
        boot=read_script("tfma_frame.js"),
    )


@cache
def _pack_components() -> str:
    """Return TFMA's script as Base64 of gzip: 0.4 MB instead of 1.1, and nothing to escape."""
    script = resources.files("tensorflow_model_analysis").joinpath("static/vulcanized_tfma.js")
    # Without a time stamp, the same evaluation gives the same page.
    return base64.b64encode(gzip.compress(script.read_bytes(), mtime=0)).decode()
