"""The report as one self-contained HTML page."""

from __future__ import annotations

from components.evaluator.confidence_intervals import LEVEL
from components.evaluator.metric_names import FIGURES
from components.report.data_statistics import MEASURES
from components.report.page.contents import Contents
from components.report.page.html import plot, template
from components.report.page import plots
from trainer.watching.training_plots import confusion_matrix_figure


def render(contents: Contents) -> str:
    """Return the page: no script, no network, pictures inside."""
    results = contents.results
    return template("report.html").render(
        contents=contents,
        results=results,
        evaluation=results.evaluation,
        figures_by_class=FIGURES,
        level=LEVEL,
        measures=MEASURES,
        confusion_matrix=plot(confusion_matrix_figure, results.confusion_matrix, results.classes),
        distributions=plot(plots.distributions, contents.statistics),
        precision_recall=plot(plots.precision_recall_curves, contents.predictions, results.classes),
        reliability_diagram=plot(plots.reliability_diagram, results),
        training_curves=plot(plots.training_curves, results),
    )
