"""Builds the documents of a package that any Kubeflow Pipelines installation accepts and runs.

TFX writes the pipeline specification. This module adds what the backend requires beyond that, and
what people want to see when they look at a run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)

from data.storage.object_store import SCHEMES
from pipeline.config.config import Config, ConfigError
from pipeline.dag import NAME
from pipeline.kubeflow.compile.backend_rules import check_package
from pipeline.kubeflow.compile.blueprint import Blueprint, list_step_parameters
from pipeline.kubeflow.compile.platform_spec import configure_container, describe_pod
from pipeline.kubeflow.compile.run_parameters import RUN_PARAMETERS, RunParameter
from pipeline.kubeflow.compile.step_access import find_access
from pipeline.kubeflow.compile.step_contract import (
    BLUEPRINT,
    COMMAND,
    DATA,
    METRICS,
    PAGE,
    RUN,
    STEP,
)
from trainer.models import MODELS

DESCRIPTION = (
    "Classifies radio-signal spectrograms: checks and stores labelled spectrograms, trains a Keras "
    "model, evaluates it by class and against the model in service, and pushes it if it is good "
    "enough."
)

_RESULT_TYPES = {PAGE: "system.HTML", METRICS: "system.Metrics"}

_IMPORT = "import-data"
_DATASET = {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}

# These steps read the data and the pushed models. Kubeflow's cache does not notice their changes.
_NEVER_CACHED = ("SpectrogramExampleGen", "BaselineModel")


def build_package(blueprint: Blueprint, image: str) -> list[dict[str, Any]]:
    """Return the documents of a package: pipeline specification and platform specification.

    Args:
      blueprint: the graph's blueprint.
      image: container image that every step runs in.

    Raises:
      ConfigError: the backend would refuse the package.
    """
    config = blueprint.config
    graph = blueprint.create_graph()
    steps = [node.id for node in graph.components]
    _check_resources(config, steps)
    compiled = list_step_parameters(graph)
    parameters_by_step = _find_parameters_by_step(blueprint, compiled)
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(
            default_image=image, default_commands=list(COMMAND), use_pipeline_spec_2_1=True
        )
    )
    spec = runner.run(graph, write_out=False)["pipelineSpec"]
    _add_description(spec, blueprint)
    for step, task in spec["root"]["dag"]["tasks"].items():
        _configure(spec, step, task, config)
        _add_run_parameters(spec, step, task, parameters_by_step.get(step, ()), blueprint)
    _add_results(spec["components"]["Report"])
    _rename(spec, steps)
    if is_copied_by_launcher(config.data):
        _import_data(spec)
    pods = {
        f"exec-{_name_task(step)}": describe_pod(config.kubeflow, access)
        for step, access in find_access(blueprint, compiled).items()
    }
    platform = {"deploymentSpec": {"executors": pods}}
    documents = [spec, {"platforms": {"kubernetes": platform}}]
    check_package(documents)
    return documents


def is_copied_by_launcher(data: str) -> bool:
    """Return whether the launcher has to copy the data, because Beam cannot open their store."""
    return data.startswith(SCHEMES)


def _check_resources(config: Config, steps: list[str]) -> None:
    for step in config.kubeflow.resources:
        if step not in ("default", *steps):
            raise ConfigError(
                f'kubeflow.resources: there is no step "{step}"; the steps are {", ".join(steps)}, '
                "and default is for all that are not named."
            )


def _find_parameters_by_step(
    blueprint: Blueprint, compiled: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[RunParameter]]:
    """Find the run parameters that change a step, by giving each another value.

    A step gets no other run parameters, so Kubeflow's cache still answers it when others change.
    `compiled` has the steps' parameters with the compiled values.
    """
    parameters_by_step: dict[str, list[RunParameter]] = {}
    for parameter in RUN_PARAMETERS:
        value = _change_value(parameter, parameter.get_value(blueprint.config))
        changed = list_step_parameters(blueprint.create_graph({parameter.name: value}))
        for step in compiled:
            if compiled[step] != changed[step]:
                parameters_by_step.setdefault(step, []).append(parameter)
    return parameters_by_step


def _change_value(parameter: RunParameter, value: Any) -> Any:
    if parameter.name == "model":
        return next(name for name in MODELS if name != value)
    if parameter.type == "STRING":
        return f"{value}/elsewhere"
    if parameter.type == "NUMBER_INTEGER":
        return value + 1
    return value / 2 if value else 0.5


def _add_description(spec: dict[str, Any], blueprint: Blueprint) -> None:
    """Add name, description, root and run parameters."""
    spec["pipelineInfo"] |= {
        "name": NAME,
        "displayName": "Radio signals",
        "description": DESCRIPTION,
    }
    spec["defaultPipelineRoot"] = blueprint.root
    spec["root"]["inputDefinitions"] = {
        "parameters": {
            parameter.name: {
                "parameterType": parameter.type,
                "defaultValue": parameter.get_value(blueprint.config),
                "description": parameter.description,
                "isOptional": True,
            }
            for parameter in RUN_PARAMETERS
        }
    }


def _configure(spec: dict[str, Any], step: str, task: dict[str, Any], config: Config) -> None:
    """Set caching, retries, resources and environment of a step."""
    is_cached = config.cache and step not in _NEVER_CACHED
    task["cachingOptions"] = {"enableCache": True} if is_cached else {}
    configure_container(_get_container(spec, step), task, config.kubeflow, step)


def _add_run_parameters(
    spec: dict[str, Any],
    step: str,
    task: dict[str, Any],
    parameters: Sequence[RunParameter],
    blueprint: Blueprint,
) -> None:
    """Pass run parameters to a step, with the blueprint that they are applied to."""
    arguments = _get_container(spec, step)["args"]
    arguments[:0] = [STEP, step]
    if not parameters:
        return
    arguments[2:2] = [BLUEPRINT, blueprint.to_json()]
    definitions = spec["components"][step].setdefault("inputDefinitions", {})
    for parameter in parameters:
        name = f"{RUN}{parameter.name}"
        definitions.setdefault("parameters", {})[name] = {"parameterType": parameter.type}
        task.setdefault("inputs", {}).setdefault("parameters", {})[name] = {
            "componentInputParameter": parameter.name
        }


def _get_container(spec: dict[str, Any], step: str) -> dict[str, Any]:
    container: dict[str, Any] = spec["deploymentSpec"]["executors"][f"{step}_executor"]["container"]
    return container


def _add_results(component: dict[str, Any]) -> None:
    """Add the outputs that Kubeflow's pages show."""
    for name, title in _RESULT_TYPES.items():
        component["outputDefinitions"]["artifacts"][name] = {
            "artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}
        }


def _import_data(spec: dict[str, Any]) -> None:
    """Add a task that makes the data an artifact, so the launcher copies them to the first step."""
    tasks, ingest = spec["root"]["dag"]["tasks"], "spectrogram-example-gen"
    import_task = {
        "taskInfo": {"name": "ImportData"},
        "componentRef": {"name": f"comp-{_IMPORT}"},
        "cachingOptions": {},
        "inputs": {"parameters": {"uri": {"componentInputParameter": "data"}}},
    }
    spec["root"]["dag"]["tasks"] = {_IMPORT: import_task, **tasks}
    spec["components"][f"comp-{_IMPORT}"] = {
        "executorLabel": f"exec-{_IMPORT}",
        "inputDefinitions": {"parameters": {"uri": {"parameterType": "STRING"}}},
        "outputDefinitions": {"artifacts": {"artifact": {"artifactType": dict(_DATASET)}}},
    }
    spec["deploymentSpec"]["executors"][f"exec-{_IMPORT}"] = {
        "importer": {"artifactUri": {"runtimeParameter": "uri"}, "typeSchema": dict(_DATASET)}
    }
    tasks[ingest].setdefault("dependentTasks", []).append(_IMPORT)
    tasks[ingest]["inputs"]["artifacts"] = {
        DATA: {"taskOutputArtifact": {"producerTask": _IMPORT, "outputArtifactKey": "artifact"}}
    }
    spec["components"][f"comp-{ingest}"]["inputDefinitions"]["artifacts"] = {
        DATA: {"artifactType": dict(_DATASET)}
    }


def _rename(spec: dict[str, Any], steps: Sequence[str]) -> None:
    """Name tasks, components and executors as Kubeflow's compiler does, in the graph's order.

    The backend makes Kubernetes names from them, which cannot have capitals or underscores.
    """
    tasks = spec["root"]["dag"]["tasks"]
    names = {step: _name_task(step) for step in tasks}
    executors = spec["deploymentSpec"]["executors"]
    for task in tasks.values():
        task["componentRef"]["name"] = f"comp-{names[task['componentRef']['name']]}"
        if "dependentTasks" in task:
            task["dependentTasks"] = [names[step] for step in task["dependentTasks"]]
        for artifact in task.get("inputs", {}).get("artifacts", {}).values():
            source = artifact["taskOutputArtifact"]
            source["producerTask"] = names[source["producerTask"]]
    for component in spec["components"].values():
        step = component["executorLabel"].removesuffix("_executor")
        component["executorLabel"] = f"exec-{names[step]}"
    spec["root"]["dag"]["tasks"] = {names[step]: tasks[step] for step in steps}
    spec["components"] = {f"comp-{names[step]}": spec["components"][step] for step in steps}
    spec["deploymentSpec"]["executors"] = {
        f"exec-{names[step]}": executors[f"{step}_executor"] for step in steps
    }


def _name_task(step: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", step).lower()
