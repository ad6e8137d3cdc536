"""Report: turns an evaluation into a page, a table and JSON."""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.report.artifact_files import REPORT_TYPE


class ReportArtifact(Artifact):
    """A folder with the files that `components.report.artifact_files` names."""

    TYPE_NAME = REPORT_TYPE


class ReportSpec(ComponentSpec):
    """Inputs, outputs and parameters of the component."""

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
    """Reads the outputs of the other steps and writes the files of the report."""

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the output `report`."""
        # Imported here so that building the graph does not load the libraries for plots.
        from components.report.write_report import write_report

        self._log_startup(input_dict, output_dict, exec_properties)
        write_report(
            artifact_utils.get_single_uri(output_dict["report"]),
            input_dict,
            json.loads(exec_properties["configuration"]),
            exec_properties["pipeline_code"],
        )


class Report(base_component.BaseComponent):
    """Describes the result of a run, for people and for programs.

    The output `report` is a folder with a self-contained `report.html`, scikit-learn's
    `classification_report.txt`, `misclassified.csv` and `metrics.json`. The metrics are those of
    the Evaluator. The curves and pictures come from the answers of the exported model.
    """

    SPEC_CLASS = ReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, *, configuration: str, pipeline_code: str, **inputs: types.BaseChannel
    ) -> None:
        """Construct the component.

        Args:
          configuration: the configuration of the run, JSON. `classes`, `height` and `width` are
            those of the stored spectrograms; `interactive_report` adds TFMA's views to the page.
          pipeline_code: fingerprint of the project's own code.
          inputs: the channels that `ReportSpec.INPUTS` names, all of them.
        """
        super().__init__(
            ReportSpec(
                configuration=configuration,
                pipeline_code=pipeline_code,
                report=types.Channel(type=ReportArtifact),
                **inputs,
            )
        )
