"""The graph as a package that a stock Kubeflow Pipelines installation accepts and runs.

TFX writes the specification; what is done to it here is what the backend asks for beyond that, and
what a person who looks at a run should see.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)

from data.storage.object_store import SCHEMES
from pipeline.config.config import Config, ConfigError
from pipeline.dag import NAME
from pipeline.kubeflow.compile.blueprint import Blueprint, step_parameters
from pipeline.kubeflow.compile.platform import platform
from pipeline.kubeflow.compile.rules import refuse
from pipeline.kubeflow.compile.run_parameters import RUN_PARAMETERS, RunParameter
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

_SHOWN = {PAGE: "system.HTML", METRICS: "system.Metrics"}

_IMPORT = "import-data"
_DATASET = {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}

# What these read lies outside of the pipeline, where Kubeflow's cache does not look.
_NEVER_CACHED = ("SpectrogramExampleGen", "BaselineModel")


def compile_package(blueprint: Blueprint, image: str) -> list[dict[str, Any]]:
    """Return the documents of a package: pipeline specification, and platform specification.

    Args:
      blueprint: of the graph.
      image: that every step runs in.

    Raises:
      ConfigError: naming what the backend would refuse.
    """
    config = blueprint.config
    graph = blueprint.pipeline()
    _known_steps(config, [node.id for node in graph.components])
    settable = _settable(blueprint, step_parameters(graph))
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(
            default_image=image, default_commands=list(COMMAND), use_pipeline_spec_2_1=True
        )
    )
    spec = runner.run(graph, write_out=False)["pipelineSpec"]
    _describe(spec, blueprint)
    tasks = spec["root"]["dag"]["tasks"]
    for step, task in tasks.items():
        _configure(spec, step, task, config)
        _take_run_parameters(spec, step, task, settable.get(step, ()), blueprint)
    _show_results(spec["components"]["Report"])
    _rename(spec, [node.id for node in graph.components])
    if copied_by_launcher(config.data):
        _import_data(spec)
    documents = [spec]
    pods = [label for label, of in spec["deploymentSpec"]["executors"].items() if "container" in of]
    if executors := platform(config.kubeflow, pods):
        documents.append(
            {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
        )
    refuse(documents)
    return documents


def package_text(documents: list[dict[str, Any]]) -> str:
    """Return a package as YAML, what a reader looks for first at its head."""
    spec = documents[0]
    lines = [
        "# PIPELINE DEFINITION",
        f"# Name: {spec['pipelineInfo']['name']}",
        f"# Description: {spec['pipelineInfo']['description']}",
        "# Parameters of a run:",
    ]
    for name, parameter in spec["root"]["inputDefinitions"]["parameters"].items():
        lines.append(f"#    {name} = {parameter['defaultValue']!r}  {parameter['description']}")
    order = ("pipelineInfo", "defaultPipelineRoot", "root", "components", "deploymentSpec")
    ordered = {key: _sorted(spec[key], key) for key in order} | {
        key: value for key, value in sorted(spec.items()) if key not in order
    }
    text = yaml.dump_all(
        [ordered, *documents[1:]], Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True
    )
    return "\n".join(lines) + "\n" + text


def _sorted(value: Any, name: str = "") -> Any:
    """Sort the keys of mappings, but for names of steps, which are in the graph's order.

    Protocol buffers give the keys of a map in another order each time.
    """
    if not isinstance(value, dict):
        return value
    keys = list(value) if name in ("tasks", "components", "executors") else sorted(value)
    return {key: _sorted(value[key], key) for key in keys}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as lines, and settings that several steps share at each."""

    def ignore_aliases(self, data: Any) -> bool:
        """See yaml.Dumper."""
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)


def _describe(spec: dict[str, Any], blueprint: Blueprint) -> None:
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
                "defaultValue": parameter.value(blueprint.config),
                "description": parameter.description,
                "isOptional": True,
            }
            for parameter in RUN_PARAMETERS
        }
    }


def _settable(
    blueprint: Blueprint, before: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[RunParameter]]:
    """Find which run parameters matter to which step, by setting each to something else.

    A step that takes no more than these is answered from Kubeflow's cache when another changes.

    Args:
      blueprint: of the graph.
      before: the steps' parameters as they are compiled.
    """
    config = blueprint.config
    found: dict[str, list[RunParameter]] = {}
    for parameter in RUN_PARAMETERS:
        value = _another(parameter, parameter.value(config))
        after = step_parameters(blueprint.pipeline({parameter.name: value}))
        for step in before:
            if before[step] != after[step]:
                found.setdefault(step, []).append(parameter)
    return found


def _another(parameter: RunParameter, value: Any) -> Any:
    if parameter.name == "model":
        return next(name for name in MODELS if name != value)
    if parameter.type == "STRING":
        return f"{value}/elsewhere"
    if parameter.type == "NUMBER_INTEGER":
        return value + 1
    return value / 2 if value else 0.5


def _configure(spec: dict[str, Any], step: str, task: dict[str, Any], config: Config) -> None:
    """Caching, retries, resources and environment of a step."""
    cached = config.cache and step not in _NEVER_CACHED
    task["cachingOptions"] = {"enableCache": True} if cached else {}
    if config.kubeflow.retries:
        task["retryPolicy"] = {
            "maxRetryCount": config.kubeflow.retries,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }
    container = spec["deploymentSpec"]["executors"][f"{step}_executor"]["container"]
    of_all = config.kubeflow.resources.get("default")
    resources = config.kubeflow.resources.get(step, of_all)
    wanted: dict[str, Any] = {}
    if resources and resources.cpu:
        wanted |= {"cpuLimit": resources.cpu, "cpuRequest": resources.cpu}
    if resources and resources.memory:
        wanted |= {"memoryLimit": resources.memory, "memoryRequest": resources.memory}
    if resources and resources.accelerator:
        wanted["accelerator"] = {
            "type": resources.accelerator,
            "count": str(resources.accelerators),
        }
    if wanted:
        container["resources"] = wanted
    if config.kubeflow.env:
        container["env"] = [
            {"name": name, "value": value} for name, value in config.kubeflow.env.items()
        ]


def _take_run_parameters(
    spec: dict[str, Any],
    step: str,
    task: dict[str, Any],
    parameters: list[RunParameter],
    blueprint: Blueprint,
) -> None:
    container = spec["deploymentSpec"]["executors"][f"{step}_executor"]["container"]
    container["args"][:0] = [STEP, step]
    if not parameters:
        return
    container["args"][2:2] = [BLUEPRINT, blueprint.to_json()]
    definitions = spec["components"][step].setdefault("inputDefinitions", {})
    for parameter in parameters:
        name = f"{RUN}{parameter.name}"
        definitions.setdefault("parameters", {})[name] = {"parameterType": parameter.type}
        task.setdefault("inputs", {}).setdefault("parameters", {})[name] = {
            "componentInputParameter": parameter.name
        }


def _show_results(component: dict[str, Any]) -> None:
    for name, title in _SHOWN.items():
        component["outputDefinitions"]["artifacts"][name] = {
            "artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}
        }


def copied_by_launcher(data: str) -> bool:
    """Whether data are in a store that TensorFlow and Beam do not open by themselves."""
    return data.startswith(SCHEMES)


def _import_data(spec: dict[str, Any]) -> None:
    """Make the data an artifact, which the launcher copies to where the first step reads them."""
    tasks, ingest = spec["root"]["dag"]["tasks"], "spectrogram-example-gen"
    importing = {
        "taskInfo": {"name": "ImportData"},
        "componentRef": {"name": f"comp-{_IMPORT}"},
        "cachingOptions": {},
        "inputs": {"parameters": {"uri": {"componentInputParameter": "data"}}},
    }
    spec["root"]["dag"]["tasks"] = {_IMPORT: importing, **tasks}
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
    """Name tasks, components and executors as Kubeflow's own compiler does, in the graph's order.

    The backend makes names of Kubernetes of them, which know no capitals and no underscores.
    """
    tasks = spec["root"]["dag"]["tasks"]
    names = {step: re.sub(r"(?<=[a-z])(?=[A-Z])", "-", step).lower() for step in tasks}
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


def _known_steps(config: Config, steps: list[str]) -> None:
    for step in config.kubeflow.resources:
        if step not in ("default", *steps):
            raise ConfigError(
                f'kubeflow.resources: there is no step "{step}"; the steps are {", ".join(steps)}, '
                "and default is for all that are not named."
            )


def outlives_runs(serving: str) -> Mapping[str, str]:
    """Return where else something is kept from run to run: beside the folder of pushed models."""
    beside = os.path.dirname(serving.rstrip("/"))
    return {
        "accepted_statistics_dir": os.path.join(beside, "accepted_statistics"),
        "checkpoint_dir": os.path.join(beside, "checkpoints"),
    }
