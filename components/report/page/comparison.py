"""Two runs side by side, as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from components.report.differences import compared_figures, differing
from components.report.page.html import plot, template
from trainer.watching.training_plots import confusion_matrix_figure


def render_comparison(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page: no script, no network, pictures inside.

    Args:
      runs: contents of metrics.json by what a run is to be called; two, the earlier first.
    """
    first, second = runs.values()
    matrices = [
        plot(confusion_matrix_figure, np.array(of["confusion_matrix"]), list(of["classes"]))
        for of in (first, second)
    ]
    return template("comparison.html").render(
        runs=runs,
        matrices=dict(zip(runs, matrices, strict=True)),
        figures=list(compared_figures(first, second)),
        differing=list(differing(first, second)),
    )
