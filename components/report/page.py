"""The report as one self-contained HTML page."""

from __future__ import annotations

import base64
import os

import jinja2

from components.report import plots
from components.report.results import Results


def render(results: Results) -> str:
    """Return the page: no script, no network, images inside."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.dirname(__file__)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        results=results,
        confusion_matrix=_data_uri(plots.confusion_matrix(results)),
        reliability_diagram=_data_uri(plots.reliability_diagram(results)),
        training_curves=_data_uri(plots.training_curves(results)),
    )


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
