"""Does what `radio-signals submit` does: uploads a package to Kubeflow Pipelines and runs it."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.config.config import ConfigError
from pipeline.kubeflow.compile.launcher_folders import STORES
from pipeline.kubeflow.submit.api_errors import NameTakenError
from pipeline.kubeflow.submit.connection import Connection, connect
from pipeline.kubeflow.submit.cron import convert_cron
from pipeline.kubeflow.submit.follow_run import find_failures, find_tasks_not_run, follow_run
from pipeline.kubeflow.submit.package_reader import CompiledPackage, read_package
from pipeline.kubeflow.submit.parameter_values import parse_values, require_all
from pipeline.kubeflow.submit.run_status import RunStatus
from pipeline.terminal.console import make_console
from pipeline.terminal.failures import DONE, FAILED, INTERRUPTED


@dataclass(frozen=True)
class SubmitOptions:
    """What to do with a package.

    Attributes:
      pipeline_name: name of the pipeline; by default the package's own.
      version: name of the version; by default made from the content.
      experiment: the experiment that lists the run.
      run_name: name of the run or of the recurring run.
      root: where artifacts go; by default the package's root, or else the installation's.
      parameters: texts NAME=VALUE.
      cache: False to run every task.
      cron: five fields; the pipeline then runs by this schedule.
      max_concurrency: number of runs of a recurring run that may overlap.
      replace: whether to replace the recurring run of the same name.
      wait: whether to follow the run to its end.
      timeout: longest time to follow it, in seconds.
      upload_only: whether to upload the package without running it.
    """

    pipeline_name: str | None = None
    version: str | None = None
    experiment: str = "Default"
    run_name: str | None = None
    root: str | None = None
    parameters: Sequence[str] = ()
    cache: bool = True
    cron: str | None = None
    max_concurrency: int | None = None
    replace: bool = False
    wait: bool = True
    timeout: float | None = None
    upload_only: bool = False


def submit_package(file: str, options: SubmitOptions, **connection_options: str | None) -> int:
    """Submit a package and report the result.

    Everything that can be checked is checked before anything is sent.

    Args:
      file: path of the package.
      options: what to do with it.
      connection_options: arguments of `connect`.

    Returns:
      The exit status: FAILED if the run was followed and did not succeed.

    Raises:
      ConfigError: the package or the options are wrong, or the installation refuses them.
      ServiceError: the installation does not answer, or does not do what it was asked to do.
    """
    package = read_package(file, options.cache)
    values = parse_values(package.parameters, options.parameters)
    cron = convert_cron(options.cron) if options.cron is not None else None
    _check(options)
    if not options.upload_only:
        require_all(package.parameters, values)
    console = make_console()
    connection = connect(**connection_options)
    if connection_options.get("namespace") and not connection.namespace:
        console.print("note       a single-user installation ignores --namespace")
    submission = _Submission(package, options, connection, console)
    version = submission.upload()
    if options.upload_only:
        path = f"pipelines/details/{version.pipeline_id}/version/{version.pipeline_version_id}"
        submission.print("page", connection.get_page(path))
        return DONE
    run = submission.prepare_run(version, values)
    if cron:
        submission.create_recurring_run(run, cron)
        return DONE
    return submission.run(run)


def _check(options: SubmitOptions) -> None:
    """Refuse options that do not go together."""
    if options.root and not options.root.startswith(STORES):
        raise ConfigError(
            f"--root {options.root} is none of {', '.join(STORES)}, where Kubeflow Pipelines can "
            "put artifacts."
        )
    if options.cron is None and (options.max_concurrency or options.replace):
        option = "--max-concurrency" if options.max_concurrency else "--replace"
        raise ConfigError(f"{option} is about a recurring run: add --cron.")
    if options.upload_only and options.cron is not None:
        raise ConfigError("--upload-only runs nothing, so it does not go with --cron.")


@dataclass(frozen=True)
class _Submission:
    """A package on its way to an installation."""

    package: CompiledPackage
    options: SubmitOptions
    connection: Connection
    console: Console

    @property
    def pipeline_name(self) -> str:
        return self.options.pipeline_name or self.package.name

    def upload(self) -> Any:
        """Return the package as a version of its pipeline; upload it unless it is there."""
        pipeline = self._find_or_create("Pipeline", "pipelines", self.pipeline_name)
        name = self.options.version or self.package.digest
        if self.options.version and not self.options.cache:
            # The same pipeline with the cache turned off is another package.
            name += "-no-cache"
        version, action = self._find_version(pipeline.pipeline_id, name), "already there"
        if not version:
            version, action = self._upload_version(pipeline.pipeline_id, name), "uploaded"
        self.print("pipeline", f"{self.pipeline_name}, version {name}, {action}")
        return version

    def prepare_run(self, version: Any, values: dict[str, Any]) -> dict[str, Any]:
        """Return the API's fields that a run and a recurring run have in common."""
        experiment = self._find_or_create("Experiment", "experiments", self.options.experiment)
        runtime_config: dict[str, Any] = {"parameters": values}
        if self.options.root:
            runtime_config["pipeline_root"] = self.options.root
        return {
            "experiment_id": experiment.experiment_id,
            "pipeline_version_reference": {
                "pipeline_id": version.pipeline_id,
                "pipeline_version_id": version.pipeline_version_id,
            },
            "runtime_config": runtime_config,
        }

    def create_recurring_run(self, run: dict[str, Any], cron: str) -> None:
        """Create a recurring run, the only one of its name."""
        client = self.connection.client
        name = self.options.run_name or self.pipeline_name
        previous = client.find(
            "RecurringRun", "recurringruns", name, experiment_id=run["experiment_id"]
        )
        if previous and not self.options.replace:
            raise ConfigError(
                f'There is a recurring run called "{name}" already, and both would run. Add '
                "--replace to replace it, or choose another name with --run-name."
            )
        recurring_run = client.create(
            "RecurringRun",
            "recurringruns",
            {
                **run,
                "display_name": name,
                "mode": "ENABLE",
                "trigger": {"cron_schedule": {"cron": cron}},
                "max_concurrency": self.options.max_concurrency or 1,
                # After an outage, one run on the current data replaces all that were missed.
                "no_catchup": True,
            },
        )
        # Deleted only now, so that there is always one.
        for old_run in previous:
            client.delete_recurring_run(old_run.recurring_run_id)
        note = ", replacing the previous one" if previous else ""
        self.print("recurring", f"{name}, at {self.options.cron}{note}")
        page = f"recurringrun/details/{recurring_run.recurring_run_id}"
        self.print("page", self.connection.get_page(page))

    def run(self, run: dict[str, Any]) -> int:
        """Start a run, follow it if requested, and return the exit status."""
        now = dt.datetime.now().astimezone().strftime("%Y-%m-%d %H-%M-%S")
        name = self.options.run_name or f"{self.pipeline_name} {now}"
        client = self.connection.client
        run_id = client.create("Run", "runs", {**run, "display_name": name}).run_id
        self.print("run", f"{name}, id {run_id}")
        self.print("page", self.connection.get_page(f"runs/details/{run_id}"))
        if not self.options.wait:
            return DONE
        tasks = self.package.tasks
        try:
            result = follow_run(client, run_id, tasks, self.console, self.options.timeout)
        except KeyboardInterrupt:
            self.console.print(
                "No longer followed; the run continues. To end it, use the page of the run."
            )
            return INTERRUPTED
        if result.state == "SUCCEEDED":
            self.console.print("succeeded")
            return DONE
        _print_failures(result, tasks)
        return FAILED

    def print(self, label: str, text: str | None) -> None:
        """Print a line, unless there is nothing to say."""
        if text:
            self.console.print(escape(f"{label:<10} {text}"))

    def _find_or_create(self, kind: str, path: str, name: str) -> Any:
        """Return the pipeline or the experiment of a name; create it if there is none."""
        client, namespace = self.connection.client, self.connection.namespace
        matches = client.find(kind, path, name, namespace=namespace)
        if len(matches) > 1:
            raise ConfigError(
                f'There are {len(matches)} {path} called "{name}". Choose another name with '
                f"--{'pipeline-name' if kind == 'Pipeline' else 'experiment'}."
            )
        if matches:
            return matches[0]
        return client.create(kind, path, {"display_name": name, "namespace": namespace})

    def _find_version(self, pipeline_id: str, name: str) -> Any | None:
        path = f"pipelines/{pipeline_id}/versions"
        versions = self.connection.client.find("PipelineVersion", path, name)
        return versions[0] if versions else None

    def _upload_version(self, pipeline_id: str, name: str) -> Any:
        client = self.connection.client
        try:
            return client.upload_version(pipeline_id, name, self.package.content)
        except NameTakenError:
            # Somebody else has uploaded the same version at the same moment.
            version = self._find_version(pipeline_id, name)
            if not version:
                raise
            return version


def _print_failures(run: RunStatus, tasks: tuple[str, ...]) -> None:
    console = make_console(sys.stderr)
    failures = find_failures(run, tasks)
    names = ", ".join(name for name in failures if name)
    if run.state == "FAILED":
        console.print(escape(f"Error: The run failed{f' at {names}' if names else ''}."))
    else:
        console.print(f"Error: The run was {run.state.lower()}.")
    for name, message in failures.items():
        reason = message or "the installation does not say why; its page has the logs"
        console.print(escape(f"  {name + ': ' if name else ''}{reason}"))
    not_run = find_tasks_not_run(run, tasks)
    if not_run and len(not_run) < len(tasks):
        console.print(escape(f"  not run: {', '.join(not_run)}"))
