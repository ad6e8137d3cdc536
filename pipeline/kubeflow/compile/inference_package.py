"""Builds a package of one task: `radio-signals infer`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.config.sections import Kubeflow
from pipeline.dag import NAME
from pipeline.kubeflow.compile.backend_rules import SCHEMA_VERSION, check_package
from pipeline.kubeflow.compile.platform_spec import configure_container, describe_pod
from pipeline.kubeflow.compile.step_access import StepAccess

STEP = "RunInference"
"""Name of the step in `kubeflow.resources`."""

_TASK = "run-inference"
# Each parameter of a run: type, option of the command, description.
_PARAMETERS = {
    "input": ("STRING", None, "Folder or file with the spectrograms to classify."),
    "output": ("STRING", "--output", "Folder for the Parquet files. It replaces answers there."),
    "model": ("STRING", "--model", "Folder of pushed models; takes the newest blessed one."),
    "threshold": ("NUMBER_DOUBLE", "--threshold", "A lower score is marked as uncertain."),
    "max_bad_rows": ("NUMBER_INTEGER", "--max-bad-rows", "Bad rows that are left out."),
}


def build_inference_package(
    settings: Kubeflow, image: str, root: str, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the documents of a package: pipeline specification and platform specification.

    Args:
      settings: section `kubeflow` of the configuration.
      image: container image that the step runs in.
      root: bucket folder for artifacts.
      values: value of each parameter unless a run sets another one.

    Raises:
      ConfigError: the backend would refuse the package.
    """
    # A retry replaces what a failed attempt wrote.
    arguments = ["infer", "--overwrite"]
    for name, (_, option, _) in _PARAMETERS.items():
        placeholder = f"{{{{$.inputs.parameters['{name}']}}}}"
        arguments += [option, placeholder] if option else [placeholder]
    container: dict[str, Any] = {"image": image, "command": ["radio-signals"], "args": arguments}
    # Kubeflow's cache does not notice new input, nor a new model.
    task: dict[str, Any] = {
        "taskInfo": {"name": STEP},
        "componentRef": {"name": f"comp-{_TASK}"},
        "cachingOptions": {},
        "inputs": {"parameters": {name: {"componentInputParameter": name} for name in _PARAMETERS}},
    }
    configure_container(container, task, settings, STEP)
    types = {name: {"parameterType": kind} for name, (kind, _, _) in _PARAMETERS.items()}
    component = {"executorLabel": f"exec-{_TASK}", "inputDefinitions": {"parameters": types}}
    parameters = {
        name: {
            "parameterType": kind,
            "defaultValue": values[name],
            "description": description,
            "isOptional": True,
        }
        for name, (kind, _, description) in _PARAMETERS.items()
    }
    spec = {
        "pipelineInfo": {
            "name": f"{NAME}-inference",
            "displayName": "Radio signals: inference",
            "description": "Classifies spectrograms with the newest blessed model.",
        },
        "schemaVersion": SCHEMA_VERSION,
        "defaultPipelineRoot": root,
        "root": {
            "dag": {"tasks": {_TASK: task}},
            "inputDefinitions": {"parameters": parameters},
        },
        "components": {f"comp-{_TASK}": component},
        "deploymentSpec": {"executors": {f"exec-{_TASK}": {"container": container}}},
    }
    pod = describe_pod(settings, StepAccess(settings.volumes, settings.secrets))
    platform = {"deploymentSpec": {"executors": {f"exec-{_TASK}": pod}}}
    documents: list[dict[str, Any]] = [spec, {"platforms": {"kubernetes": platform}}]
    check_package(documents)
    return documents
