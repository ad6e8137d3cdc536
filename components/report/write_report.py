"""Reads the outputs of the other steps and writes the files of a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.report.artifact_files import (
    METRICS_FILE,
    MISCLASSIFIED_FILE,
    PAGE_FILE,
    TABLE_FILE,
)
from components.report.data_statistics import read_statistics
from components.report.data_validation import read_validation
from components.report.misclassified_table import format_misclassified
from components.report.page.page import Contents, render_report
from components.report.page.spectrograms import choose_galleries
from components.report.predictions import read_predictions
from components.report.provenance import flatten, list_input_artifacts
from components.report.results import read_results
from data.storage import files
from trainer.export.model_card import list_versions

Inputs = Mapping[str, list[Artifact]]
"""The artifacts of each input of the Report component."""


def write_report(folder: str, inputs: Inputs, configuration: Mapping[str, Any], code: str) -> None:
    """Write the files that `components.report.artifact_files` names.

    Args:
      folder: where they go.
      inputs: the artifacts of the run.
      configuration: the configuration of the run.
      code: fingerprint of the project's own code.
    """
    classes = configuration["classes"]
    results = read_results(inputs, classes)
    splits = artifact_utils.decode_split_names(
        artifact_utils.get_single_instance(inputs["examples"]).split_names
    )
    predictions = read_predictions(
        artifact_utils.get_single_uri(inputs["evaluation"]),
        artifact_utils.get_split_uri(inputs["examples"], results.evaluated_split),
        configuration["height"],
        configuration["width"],
    )
    provenance: dict[str, Any] = {
        "configuration": flatten(configuration),
        "versions": list_versions(),
        "code": code,
    }
    contents = Contents(
        results=results,
        predictions=predictions,
        galleries=choose_galleries(predictions, classes),
        statistics=read_statistics(artifact_utils.get_single_uri(inputs["statistics"]), splits),
        validation=read_validation(artifact_utils.get_single_uri(inputs["anomalies"]), splits),
        input_artifacts=list_input_artifacts(inputs),
        interactive=_render_views(inputs, classes) if configuration["interactive_report"] else "",
        **provenance,
    )
    for name, text in {
        METRICS_FILE: json.dumps({**results.as_json(), **provenance}, indent=2),
        TABLE_FILE: results.classification_report(),
        MISCLASSIFIED_FILE: format_misclassified(predictions, classes),
        PAGE_FILE: render_report(contents),
    }.items():
        files.write_file(files.join(folder, name), text)


def _render_views(inputs: Inputs, classes: list[str]) -> str:
    # TFMA's views are large. Most reports do without them.
    from components.views.evaluation import show_evaluation

    return show_evaluation(
        artifact_utils.get_single_uri(inputs["evaluation"]), classes
    ).render_frame()
