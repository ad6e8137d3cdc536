"""A fake of a Kubeflow Pipelines installation that runs packages as driver and launcher do.

It uses a compiled package and nothing else of the project. A folder takes the place of the bucket.
Every task is a process with an empty folder for artifacts. Before the task, its input artifacts are
copied there from the bucket, and after it, its output artifacts to the bucket, under the paths that
the launcher uses.

The messages are those of kfp. Its local runner is not used, because it passes no artifacts to
containers and has neither the launcher's folders nor the cache.

Source: kubeflow/pipelines, backend/src/v2/driver and backend/src/v2/component/launcher_v2.go.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

# Folder of the launcher by scheme, below the root of the task's file system.
_FOLDERS = {"minio://": "minio", "s3://": "s3", "gs://": "gcs"}


@dataclass
class TaskResult:
    """The result of one task.

    Attributes:
      state: SUCCEEDED, CACHED or FAILED.
      seconds: wall-clock time of all attempts.
      attempts: number of attempts.
      outputs: its artifacts by name, as the metadata store has them.
      log: output of the last attempt.
      missing: names of the outputs that had no files to upload.
    """

    state: str
    seconds: float
    attempts: int
    outputs: dict[str, dict[str, Any]]
    log: str = ""
    missing: list[str] = field(default_factory=list)


@dataclass
class RunResult:
    """The result of a run: its tasks in the order in which they ran."""

    tasks: dict[str, TaskResult]

    @property
    def succeeded(self) -> bool:
        """Whether no task failed."""
        return all(task.state != "FAILED" for task in self.tasks.values())

    @property
    def end_of_log(self) -> str:
        """The last 3,000 characters that the last task printed."""
        return list(self.tasks.values())[-1].log[-3000:]

    def format_table(self) -> str:
        """Return a line for every task: seconds and state."""
        return "\n".join(
            f"{name:<26}{task.seconds:7.1f} s  {task.state.lower()}"
            + (f", attempt {task.attempts}" if task.attempts > 1 else "")
            for name, task in self.tasks.items()
        )


class FakeInstallation:
    """A fake of an installation that runs packages. Its runs share the bucket and the cache."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None):
        """Set up the installation.

        Args:
          folder: folder for the bucket and the file systems of the tasks; created if necessary.
          environment: further environment variables for every task. Those that the package
            takes from secrets reach only the tasks whose pods have them.
        """
        self._bucket = folder / "bucket"
        self._pods = folder / "pods"
        self._environment = environment or {}
        self._cache: dict[str, dict[str, dict[str, Any]]] = {}
        self._artifacts = 0

    def run(
        self, package: Path, parameters: dict[str, Any] | None = None, until: str = ""
    ) -> RunResult:
        """Run a package to its end, or to the first task that fails for good.

        Args:
          package: YAML file with a pipeline specification and perhaps a platform specification.
          parameters: parameters of the run; the others have their defaults.
          until: name of the last task to run.

        Raises:
          ValueError: the backend would refuse the package.
        """
        spec_dict, *platform = yaml.safe_load_all(package.read_text())
        # A field that the specification does not have is an error here.
        spec = json_format.ParseDict(spec_dict, pipeline_spec_pb2.PipelineSpec())
        if spec.schema_version != "2.1.0":
            raise ValueError("KFP only supports schema version 2.1.0")
        deployment = json_format.ParseDict(
            json_format.MessageToDict(spec.deployment_spec),
            pipeline_spec_pb2.PipelineDeploymentConfig(),
        )
        values = self._run_parameters(spec, parameters or {})
        secrets = _variables_from_secrets(platform)
        run_id = uuid.uuid4().hex[:8]
        results: dict[str, TaskResult] = {}
        for name in _in_order(spec.root.dag.tasks):
            task = spec.root.dag.tasks[name]
            component = spec.components[task.component_ref.name]
            importer = deployment.executors[component.executor_label].importer
            if importer.HasField("artifact_uri"):
                results[name] = self._import(task, importer, values)
                continue
            container = deployment.executors[component.executor_label].container
            root = f"{spec.default_pipeline_root}/{spec.pipeline_info.name}/{run_id}/{name}"
            executor_input = self._executor_input(task, component, values, results, root)
            # A pod has no secrets but its own.
            withheld = set().union(*secrets.values()) - secrets.get(component.executor_label, set())
            environment = {
                variable: value
                for variable, value in self._environment.items()
                if variable not in withheld
            }
            results[name] = self._run_task(
                name, task, container, executor_input, run_id, environment
            )
            if results[name].state == "FAILED" or name == until:
                break
        return RunResult(results)

    def path(self, uri: str) -> Path:
        """Return the place of an address in the bucket's folder."""
        scheme, _, key = uri.partition("://")
        return self._bucket / scheme / key

    def _import(self, task, importer, values) -> TaskResult:
        """Record an artifact that exists; nothing is copied."""
        source = task.inputs.parameters[importer.artifact_uri.runtime_parameter]
        self._artifacts += 1
        artifact = {
            "name": str(self._artifacts),
            "uri": values[source.component_input_parameter],
            "metadata": {},
        }
        return TaskResult("SUCCEEDED", 0.0, 1, {"artifact": artifact})

    def _run_parameters(self, spec, parameters: dict[str, Any]) -> dict[str, Any]:
        known = spec.root.input_definitions.parameters
        if unknown := set(parameters) - set(known):
            raise ValueError(f"no parameters of the pipeline: {sorted(unknown)}")
        return {
            name: parameters.get(name, json_format.MessageToDict(parameter.default_value))
            for name, parameter in known.items()
        }

    def _executor_input(self, task, component, values, results, root: str):
        message = pipeline_spec_pb2.ExecutorInput()
        for name, source in task.inputs.parameters.items():
            if source.component_input_parameter:
                value = values[source.component_input_parameter]
            else:
                value = json_format.MessageToDict(source.runtime_value.constant)
            json_format.ParseDict(value, message.inputs.parameter_values[name])
        for name, source in task.inputs.artifacts.items():
            outputs = results[source.task_output_artifact.producer_task].outputs
            artifact = message.inputs.artifacts[name].artifacts.add()
            json_format.ParseDict(
                outputs[source.task_output_artifact.output_artifact_key], artifact
            )
            definition = component.input_definitions.artifacts[name]
            artifact.type.CopyFrom(definition.artifact_type)
        for name, definition in component.output_definitions.artifacts.items():
            artifact = message.outputs.artifacts[name].artifacts.add()
            artifact.uri = f"{root}/{name}"
            artifact.type.CopyFrom(definition.artifact_type)
            artifact.metadata.CopyFrom(definition.metadata)
        return message

    def _run_task(
        self, name, task, container, executor_input, run_id: str, environment: dict[str, str]
    ) -> TaskResult:
        key = _cache_key(container, executor_input)
        if task.caching_options.enable_cache and key in self._cache:
            return TaskResult("CACHED", 0.0, 0, self._cache[key])
        started = time.monotonic()
        for attempt in range(1, task.retry_policy.max_retry_count + 2):
            pod = self._pods / run_id / f"{name}-{attempt}"
            status, log, output_file = self._start(pod, container, executor_input, environment)
            if status == 0:
                outputs, missing = self._upload(pod, executor_input, output_file)
                self._cache[key] = outputs
                seconds = time.monotonic() - started
                shutil.rmtree(pod)
                return TaskResult("SUCCEEDED", seconds, attempt, outputs, log, missing)
        return TaskResult("FAILED", time.monotonic() - started, attempt, {}, log)

    def _start(
        self, pod: Path, container, executor_input, environment: dict[str, str]
    ) -> tuple[int, str, Path]:
        """Copy the inputs to a pod and run its command; return status, log and output file."""
        pod.mkdir(parents=True)
        (pod / "tmp").mkdir()
        for inputs in executor_input.inputs.artifacts.values():
            for artifact in inputs.artifacts:
                _copy(self.path(artifact.uri), pod / _local(artifact.uri))
        output_file = pod / "tmp" / "kfp_outputs" / "output_metadata.json"
        executor_input.outputs.output_file = str(output_file)
        text = json_format.MessageToJson(executor_input)
        words = (*container.command, *container.args)
        command = [word.replace("{{$}}", text) for word in words]
        finished = subprocess.run(
            command,
            cwd=pod,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
                "HOME": str(pod),
                "TMPDIR": str(pod / "tmp"),
                "RADIO_SIGNALS_LAUNCHER_ROOT": str(pod),
                **environment,
                **{variable.name: variable.value for variable in container.env},
            },
            capture_output=True,
            text=True,
            timeout=900,
        )
        return finished.returncode, finished.stdout + finished.stderr, output_file

    def _upload(self, pod: Path, executor_input, output_file: Path):
        """Copy outputs to the bucket; return them as recorded, and the names of missing ones."""
        executor_output = pipeline_spec_pb2.ExecutorOutput()
        if output_file.exists():
            json_format.Parse(output_file.read_text(), executor_output)
        recorded, missing = {}, []
        for name, outputs in executor_input.outputs.artifacts.items():
            (artifact,) = outputs.artifacts
            if name in executor_output.artifacts:
                (reported,) = executor_output.artifacts[name].artifacts
                if reported.uri:
                    artifact.uri = reported.uri
                artifact.metadata.MergeFrom(reported.metadata)
            if not _copy(pod / _local(artifact.uri), self.path(artifact.uri)):
                missing.append(name)
            self._artifacts += 1
            recorded[name] = {
                "name": str(self._artifacts),
                "uri": artifact.uri,
                "metadata": json_format.MessageToDict(artifact.metadata),
            }
        return recorded, missing


def _variables_from_secrets(platform: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the names of the environment variables from secrets by the executor's label."""
    return {
        label: {
            key["envVar"] for secret in pod.get("secretAsEnv", ()) for key in secret["keyToEnv"]
        }
        for document in platform
        for label, pod in document["platforms"]["kubernetes"]["deploymentSpec"]["executors"].items()
    }


def _cache_key(container, executor_input) -> str:
    """Return a digest of what Kubeflow's cache compares: inputs, types of outputs, container."""
    artifacts = {
        name: [artifact.name for artifact in inputs.artifacts]
        for name, inputs in executor_input.inputs.artifacts.items()
    }
    outputs = {
        name: json_format.MessageToDict(output.artifacts[0].type)
        for name, output in executor_input.outputs.artifacts.items()
    }
    parameters = {
        name: json_format.MessageToDict(value)
        for name, value in executor_input.inputs.parameter_values.items()
    }
    compared = [artifacts, parameters, outputs, json_format.MessageToDict(container)]
    return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()


def _in_order(tasks) -> list[str]:
    """Return the names of tasks, each after those that it depends on."""
    order: list[str] = []
    while len(order) < len(tasks):
        ready = [
            name
            for name, task in tasks.items()
            if name not in order and set(task.dependent_tasks) <= set(order)
        ]
        if not ready:
            raise ValueError("tasks wait for each other")
        order += ready
    return order


def _local(uri: str) -> str:
    for scheme, folder in _FOLDERS.items():
        if uri.startswith(scheme):
            return f"{folder}/{uri.removeprefix(scheme)}"
    raise ValueError(f"{uri} is in no store that the launcher knows")


def _copy(source: Path, target: Path) -> int:
    """Copy files, because a bucket has no folders; return their number."""
    files = [source] if source.is_file() else [file for file in source.rglob("*") if file.is_file()]
    for file in files:
        copied = target / file.relative_to(source)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copied)
    return len(files)
