"""What the container of every step runs on Kubeflow Pipelines.

TFX's own entry point gives the addresses of artifacts to the step as they are, and TensorFlow can
open neither `minio://` nor `s3://`. Kubeflow's launcher has copied the artifacts to local folders,
and copies from there what the step makes; so here addresses become those folders on the way in, and
addresses again in what the step reports. What can be set when a run is started is put into the
step's parameters, some of which are texts that hold the whole configuration.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from pipeline.kubeflow.compile.step_contract import BLUEPRINT, DATA, METRICS, PAGE, RUN, STEP
from pipeline.kubeflow.compile.uris import address, local_path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; return the exit status.

    Args:
      arguments: of TFX's entry point, and those of `pipeline.kubeflow.compile.step_contract`.
    """
    parser = argparse.ArgumentParser(description="Runs one step of a compiled pipeline.")
    parser.add_argument(STEP, dest="step", required=True)
    parser.add_argument(BLUEPRINT, dest="blueprint")
    # TFX's own.
    parser.add_argument("--executor_class_path", dest="executor", required=True)
    parser.add_argument("--json_serialized_invocation_args", dest="invocation", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", dest="inputs_spec", required=True)
    options, beam_args = parser.parse_known_args(arguments)
    try:
        _run(options, beam_args)
    except BaseException as error:
        # The whole of it first: what a person reads is the end of the log.
        traceback.print_exc()
        from pipeline.terminal import failures

        return failures.explain(
            error, lambda text: print(text, file=sys.stderr), "the lines above", debug=False
        )
    return 0


def _run(options: argparse.Namespace, beam_args: Sequence[str]) -> None:
    executor_input = json.loads(options.invocation)
    _set_run_parameters(executor_input, options)
    # Of artifacts alone: of what a run is told to read, the launcher has copied nothing else.
    local_input = {
        side: {**of, "artifacts": _made_local(of.get("artifacts", {}))}
        for side, of in executor_input.items()
    }
    if copied := local_input["inputs"]["artifacts"].pop(DATA, None):
        local_input["inputs"]["parameterValues"]["data"] = copied["artifacts"][0]["uri"]
    shown = {name: local_input["outputs"]["artifacts"].pop(name, None) for name in (PAGE, METRICS)}
    _make_folders(local_input)
    # Here and not above: it takes seconds, and what is wrong with the options is said at once.
    from absl import flags
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx

    # So that TFX's own executors too can write to where models are pushed.
    import data.storage.object_store  # noqa: F401

    # Executors read flags of absl, which nobody has parsed here.
    flags.FLAGS(["step"], known_only=True)
    taken = argparse.Namespace(
        executor_class_path=options.executor,
        json_serialized_invocation_args=json.dumps(local_input),
        json_serialized_inputs_spec_args=options.inputs_spec,
    )
    tfx.main((taken, list(beam_args)))
    output_file = local_input["outputs"]["outputFile"]
    with open(output_file, encoding="utf-8") as file:
        executor_output = json.load(file)
    for name, output in shown.items():
        if output:
            executor_output["artifacts"][name] = _shown(name, output, local_input)
    with open(output_file, "w", encoding="utf-8") as file:
        json.dump(_addresses_again(executor_output), file)


def _set_run_parameters(executor_input: dict[str, Any], options: argparse.Namespace) -> None:
    """Replace the step's parameters by those of a graph with this run's values."""
    parameters = executor_input["inputs"].get("parameterValues", {})
    values = {}
    if options.blueprint:
        from pipeline.kubeflow.compile.blueprint import Blueprint, step_parameters
        from pipeline.kubeflow.compile.run_parameters import RUN_PARAMETERS

        for parameter in RUN_PARAMETERS:
            if RUN + parameter.name in parameters:
                values[parameter.name] = parameters.pop(RUN + parameter.name)
        graph = Blueprint.from_json(options.blueprint).pipeline(values)
        parameters.update(step_parameters(graph)[options.step])


def _made_local(artifacts: dict[str, Any]) -> dict[str, Any]:
    """Put artifacts where the launcher has them.

    Their properties stay: where a model was pushed to is an address that no launcher copies.
    """
    return {
        name: {
            **of,
            "artifacts": [
                {**artifact, "uri": local_path(artifact["uri"])} for artifact in of["artifacts"]
            ],
        }
        for name, of in artifacts.items()
    }


def _addresses_again(value: Any) -> Any:
    """Turn every text in JSON that is a path of the launcher's into an address.

    Not the places of artifacts alone: a blessing, for one, holds those of the models in its
    properties.
    """
    if isinstance(value, dict):
        return {key: _addresses_again(of) for key, of in value.items()}
    if isinstance(value, list):
        return [_addresses_again(of) for of in value]
    return address(value) if isinstance(value, str) else value


def _make_folders(local_input: dict[str, Any]) -> None:
    """Make what a runner of TFX would have made: folders of outputs."""
    for output in local_input["outputs"]["artifacts"].values():
        for artifact in output["artifacts"]:
            os.makedirs(artifact["uri"], exist_ok=True)
    os.makedirs(os.path.dirname(local_input["outputs"]["outputFile"]), exist_ok=True)


def _shown(name: str, output: dict[str, Any], local_input: dict[str, Any]) -> dict[str, Any]:
    """Fill an output of the Report step that Kubeflow's own pages show."""
    from components.report.artifact_files import METRICS_FILE, PAGE_FILE

    (artifact,) = output["artifacts"]
    report = local_input["outputs"]["artifacts"]["report"]["artifacts"][0]["uri"]
    if name == PAGE:
        os.makedirs(os.path.dirname(artifact["uri"]), exist_ok=True)
        with open(os.path.join(report, PAGE_FILE), encoding="utf-8") as page:
            content = page.read()
        with open(artifact["uri"], "w", encoding="utf-8") as file:
            file.write(content)
        return {"artifacts": [artifact]}
    with open(os.path.join(report, METRICS_FILE), encoding="utf-8") as file:
        metrics = json.load(file)
    figures = {
        "accuracy": metrics["accuracy"],
        "balanced accuracy": metrics["balanced_accuracy"],
        **{f"recall {name}": of["recall"] for name, of in metrics["classes"].items()},
        **{f"precision {name}": of["precision"] for name, of in metrics["classes"].items()},
    }
    return {"artifacts": [{**artifact, "metadata": figures}]}


if __name__ == "__main__":
    sys.exit(main())
