"""Report: turns an evaluation into a page, a table and JSON."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.components.example_gen.utils import FINGERPRINT_PROPERTY_NAME
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from components.report.artifact_files import (
    METRICS_FILE,
    MISCLASSIFIED_FILE,
    PAGE_FILE,
    TABLE_FILE,
)
from components.report.report_artifact import ReportArtifact
from components.spectrogram_example_gen.examples_artifact import SOURCE_PROPERTY


class ReportSpec(ComponentSpec):
    PARAMETERS = {
        "configuration": ExecutionParameter(type=str),
        "pipeline_code": ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
        "baseline": ChannelParameter(type=standard_artifacts.Model),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "pushed_model": ChannelParameter(type=standard_artifacts.PushedModel),
    }
    OUTPUTS = {"report": ChannelParameter(type=ReportArtifact)}


class Executor(base_executor.BaseExecutor):
    """Reads the figures, writes the files."""

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]) -> None:
        # Here and not above: the graph is read without loading plots and metrics libraries.
        from components.report.data_statistics import read_statistics
        from components.report.data_validation import read_validation
        from components.report.misclassified_table import misclassified_csv
        from components.report.page.contents import Contents
        from components.report.page.page import render
        from components.report.page.spectrograms import galleries
        from components.report.predictions import predict
        from components.report.provenance import flattened, lineage, versions
        from components.report.results import read_results

        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        pushed = artifact_utils.get_single_instance(input_dict["pushed_model"])
        was_pushed = pushed.get_int_custom_property("pushed") == 1
        configuration = json.loads(exec_properties["configuration"])
        classes = configuration["classes"]
        evaluation_dir = artifact_utils.get_single_uri(input_dict["evaluation"])
        results = read_results(
            examples.uri,
            evaluation_dir,
            artifact_utils.get_single_uri(input_dict["model_run"]),
            classes,
            blessed=model_utils.is_model_blessed(
                artifact_utils.get_single_instance(input_dict["blessing"])
            ),
            pushed_to=pushed.get_string_custom_property("pushed_destination")
            if was_pushed
            else None,
            data=examples.get_string_custom_property(SOURCE_PROPERTY),
            data_fingerprint=examples.get_string_custom_property(FINGERPRINT_PROPERTY_NAME),
        )
        predictions = predict(
            path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"])),
            examples.uri,
            configuration["height"],
            configuration["width"],
        )
        interactive = ""
        if configuration["interactive_report"]:
            from components.views.evaluation import show_evaluation

            interactive = show_evaluation(evaluation_dir, classes).frame()
        provenance = {
            "configuration": flattened(configuration),
            "versions": versions(),
            "code": exec_properties["pipeline_code"],
        }
        page = render(
            Contents(
                results,
                predictions,
                galleries(predictions, classes),
                read_statistics(artifact_utils.get_single_uri(input_dict["statistics"])),
                read_validation(artifact_utils.get_single_uri(input_dict["anomalies"])),
                lineage=lineage(input_dict),
                interactive=interactive,
                **provenance,
            )
        )
        folder = artifact_utils.get_single_uri(output_dict["report"])
        metrics = {**results.as_json(), **provenance}
        _write(folder, METRICS_FILE, json.dumps(metrics, indent=2))
        _write(folder, TABLE_FILE, results.classification_report())
        _write(folder, MISCLASSIFIED_FILE, misclassified_csv(predictions, classes))
        _write(folder, PAGE_FILE, page)


def _write(folder: str, name: str, text: str) -> None:
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(os.path.join(folder, name), "w") as file:
        file.write(text)


class Report(base_component.BaseComponent):
    """What a run achieved, for people and for programs.

    Output `report`: a folder with a self-contained `report.html`, scikit-learn's
    `classification_report.txt`, `misclassified.csv` and `metrics.json`. Figures are those of the
    Evaluator; curves and pictures are of the exported model's answers.
    """

    SPEC_CLASS = ReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        schema: types.BaseChannel,
        anomalies: types.BaseChannel,
        transform_graph: types.BaseChannel,
        model: types.BaseChannel,
        model_run: types.BaseChannel,
        baseline: types.BaseChannel,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        pushed_model: types.BaseChannel,
        configuration: str,
        pipeline_code: str,
    ):
        """Constructs the component.

        Args:
          examples: output of SpectrogramExampleGen, which knows where the data came from.
          statistics: output of StatisticsGen.
          anomalies: output of ExampleValidator.
          schema, transform_graph, baseline: named in the lineage.
          model, model_run: outputs of the Trainer.
          evaluation, blessing: outputs of the Evaluator.
          pushed_model: output of the Pusher.
          configuration: the run's, JSON; `classes`, `height` and `width` are those of the
            stored spectrograms, `interactive_report` adds TFMA's views to the page.
          pipeline_code: fingerprint of the project's own code.
        """
        super().__init__(
            ReportSpec(
                examples=examples,
                statistics=statistics,
                schema=schema,
                anomalies=anomalies,
                transform_graph=transform_graph,
                model=model,
                model_run=model_run,
                baseline=baseline,
                evaluation=evaluation,
                blessing=blessing,
                pushed_model=pushed_model,
                configuration=configuration,
                pipeline_code=pipeline_code,
                report=types.Channel(type=ReportArtifact),
            )
        )
