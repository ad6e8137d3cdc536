"""Entry point of the container in which Kubeflow Pipelines runs a step.

TFX's own entry point passes the addresses of artifacts to the step, but TensorFlow can open neither
`minio://` nor `s3://`. Kubeflow's launcher copies artifacts to local folders before the step, and
back afterwards. This entry point therefore replaces addresses with these folders, and folders with
addresses in what the step reports. It also applies the parameters of the run to the parameters of
the step, some of which hold the whole configuration as text.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from pipeline.kubeflow.compile.launcher_folders import to_local_path, to_store_address
from pipeline.kubeflow.compile.step_contract import BLUEPRINT, DATA, METRICS, PAGE, RUN, STEP


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; return the exit status.

    Args:
      arguments: options of TFX's entry point and of `pipeline.kubeflow.compile.step_contract`.
    """
    parser = argparse.ArgumentParser(description="Runs one step of a compiled pipeline.")
    parser.add_argument(STEP, dest="step", required=True)
    parser.add_argument(BLUEPRINT, dest="blueprint")
    # The options of TFX's entry point.
    parser.add_argument("--executor_class_path", dest="executor", required=True)
    parser.add_argument("--json_serialized_invocation_args", dest="invocation", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", dest="inputs_spec", required=True)
    options, beam_args = parser.parse_known_args(arguments)
    try:
        _run_step(options, beam_args)
    except BaseException as error:
        # The traceback comes first, because people read the end of the log.
        traceback.print_exc()
        from pipeline.terminal import failures

        return failures.explain(
            error, lambda text: print(text, file=sys.stderr), "the lines above", debug=False
        )
    return 0


def _run_step(options: argparse.Namespace, beam_args: Sequence[str]) -> None:
    executor_input = json.loads(options.invocation)
    _set_run_parameters(executor_input, options)
    _use_local_paths(executor_input)
    outputs = executor_input["outputs"]
    results = {name: outputs["artifacts"].pop(name, None) for name in (PAGE, METRICS)}
    # TFX's own runners create these folders; Kubeflow's launcher does not.
    for artifacts in outputs["artifacts"].values():
        for artifact in artifacts["artifacts"]:
            os.makedirs(artifact["uri"], exist_ok=True)
    os.makedirs(os.path.dirname(outputs["outputFile"]), exist_ok=True)
    _run_tfx(executor_input, options, beam_args)
    with open(outputs["outputFile"], encoding="utf-8") as file:
        executor_output = json.load(file)
    for name, result in results.items():
        if result:
            (artifact,) = result["artifacts"]
            report = outputs["artifacts"]["report"]["artifacts"][0]["uri"]
            _fill_result(name, artifact, report)
            executor_output["artifacts"][name] = {"artifacts": [artifact]}
    with open(outputs["outputFile"], "w", encoding="utf-8") as file:
        json.dump(_use_store_addresses(executor_output), file)


def _run_tfx(
    executor_input: dict[str, Any], options: argparse.Namespace, beam_args: Sequence[str]
) -> None:
    # These imports take seconds, so errors in the options are reported before them.
    from absl import flags
    from tfx.orchestration.kubeflow.v2 import compiler_utils
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx

    from components.report.artifact_files import REPORT_CLASS, REPORT_TYPE
    from data.storage.tfx_plugin import register_object_stores

    # TFX imports the class of an artifact by its type name, unless this table has a path for it.
    compiler_utils.TITLE_TO_CLASS_PATH[REPORT_TYPE] = REPORT_CLASS
    # TFX's executors, too, write to the store to which models are pushed.
    register_object_stores()
    # TFX's executors read absl flags, which nothing else parses here.
    flags.FLAGS(["step"], known_only=True)
    tfx_options = argparse.Namespace(
        executor_class_path=options.executor,
        json_serialized_invocation_args=json.dumps(executor_input),
        json_serialized_inputs_spec_args=options.inputs_spec,
    )
    tfx.main((tfx_options, list(beam_args)))


def _set_run_parameters(executor_input: dict[str, Any], options: argparse.Namespace) -> None:
    """Replace the step's parameters with those of a graph created with the values of this run."""
    if not options.blueprint:
        return
    from pipeline.kubeflow.compile.blueprint import Blueprint, list_step_parameters
    from pipeline.kubeflow.compile.run_parameters import RUN_PARAMETERS

    parameters = executor_input["inputs"].get("parameterValues", {})
    values = {
        parameter.name: parameters.pop(RUN + parameter.name)
        for parameter in RUN_PARAMETERS
        if RUN + parameter.name in parameters
    }
    graph = Blueprint.from_json(options.blueprint).create_graph(values)
    parameters.update(list_step_parameters(graph)[options.step])


def _use_local_paths(executor_input: dict[str, Any]) -> None:
    """Replace addresses of artifacts with the launcher's folders.

    Addresses in the artifacts' properties stay, for example where a model was pushed: the launcher
    copies nothing from there.
    """
    for side in executor_input.values():
        for artifacts in side.setdefault("artifacts", {}).values():
            for artifact in artifacts["artifacts"]:
                artifact["uri"] = to_local_path(artifact["uri"])
    inputs = executor_input["inputs"]
    if data := inputs["artifacts"].pop(DATA, None):
        inputs["parameterValues"]["data"] = data["artifacts"][0]["uri"]


def _use_store_addresses(value: Any) -> Any:
    """Replace the launcher's paths with addresses in all texts of a JSON value.

    Artifacts have them in their properties, too: a blessing, for example, names its models.
    """
    if isinstance(value, dict):
        return {key: _use_store_addresses(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_use_store_addresses(item) for item in value]
    return to_store_address(value) if isinstance(value, str) else value


def _fill_result(name: str, artifact: dict[str, Any], report: str) -> None:
    """Fill an output that Kubeflow's pages show (PAGE or METRICS) from the folder of the report."""
    from components.report.artifact_files import METRICS_FILE, PAGE_FILE
    from data.storage.files import copy_file, join, read_text

    if name == PAGE:
        copy_file(join(report, PAGE_FILE), artifact["uri"])
        return
    metrics = json.loads(read_text(join(report, METRICS_FILE)))
    classes = metrics["classes"].items()
    artifact["metadata"] = {
        "accuracy": metrics["accuracy"],
        "balanced accuracy": metrics["balanced_accuracy"],
        **{f"recall {name}": class_metrics["recall"] for name, class_metrics in classes},
        **{f"precision {name}": class_metrics["precision"] for name, class_metrics in classes},
    }


if __name__ == "__main__":
    sys.exit(main())
