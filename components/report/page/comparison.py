"""Two runs side by side, as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from components.report.differences import compare_metrics, compare_provenance
from components.report.page.html import load_template
from components.report.page.themes import plot_in_themes
from trainer.watching.training_plots import plot_confusion_matrix


def render_comparison(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page. It contains its pictures and needs neither scripts nor network.

    Args:
      runs: contents of metrics.json by the name of the run; two, the earlier first.
    """
    return load_template("comparison.html").render(
        runs=runs,
        matrices={
            name: plot_in_themes(
                plot_confusion_matrix,
                np.array(metrics["confusion_matrix"]),
                list(metrics["classes"]),
            )
            for name, metrics in runs.items()
        },
        metrics=list(compare_metrics(*runs.values())),
        differences=list(compare_provenance(*runs.values())),
    )
