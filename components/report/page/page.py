"""The report of one run as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.evaluator.confidence_intervals import LEVEL
from components.evaluator.metric_names import CLASS_METRICS
from components.report.data_statistics import MEASURED_FEATURES, SplitStatistics
from components.report.data_validation import Validation
from components.report.page import plots
from components.report.page.html import load_template
from components.report.page.spectrograms import Gallery
from components.report.page.themes import plot_in_themes
from components.report.predictions import Predictions
from components.report.provenance import InputArtifact
from components.report.results import Results
from trainer.watching.training_plots import plot_confusion_matrix


@dataclass(frozen=True)
class Contents:
    """The contents of the page.

    Attributes:
      results: the results of the run.
      predictions: predictions of the exported model for the evaluated split.
      galleries: spectrograms of the evaluated split.
      statistics: statistics of the data for each split.
      validation: result of the data validation.
      configuration: the configuration of the run by dotted key.
      versions: versions of Python and of packages by name.
      code: fingerprint of the project's own code.
      input_artifacts: the artifacts that the report describes.
      interactive: TFMA's views, an HTML document for a frame; empty for a page without scripts.
    """

    results: Results
    predictions: Predictions
    galleries: Sequence[Gallery]
    statistics: Sequence[SplitStatistics]
    validation: Validation
    configuration: Mapping[str, Any]
    versions: Mapping[str, str]
    code: str
    input_artifacts: Sequence[InputArtifact]
    interactive: str = ""


def render_report(contents: Contents) -> str:
    """Return the page. It contains its pictures and needs no network."""
    results = contents.results
    return load_template("report.html").render(
        contents=contents,
        results=results,
        evaluation=results.evaluation,
        class_metrics=CLASS_METRICS,
        level=LEVEL,
        measured_features=MEASURED_FEATURES,
        confusion_matrix=plot_in_themes(
            plot_confusion_matrix, results.confusion_matrix, results.classes
        ),
        distributions=plot_in_themes(plots.plot_distributions, contents.statistics),
        precision_recall=plot_in_themes(
            plots.plot_precision_recall, contents.predictions, results.classes
        ),
        reliability_diagram=plot_in_themes(plots.plot_reliability_diagram, results),
        training_curves=plot_in_themes(plots.plot_training_curves, results),
    )
