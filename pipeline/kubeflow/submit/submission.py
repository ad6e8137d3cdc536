"""`radio-signals submit`: upload a package to Kubeflow Pipelines and run it."""

from __future__ import annotations

import datetime
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.config.config import ConfigError
from pipeline.kubeflow.compile.uris import STORES
from pipeline.kubeflow.submit.api_errors import AlreadyThere
from pipeline.kubeflow.submit.compiled_package import CompiledPackage, read_package
from pipeline.kubeflow.submit.connection import Connection
from pipeline.kubeflow.submit.cron import kubeflow_cron
from pipeline.kubeflow.submit.parameters import require_all, typed_values
from pipeline.kubeflow.submit.status import failures_of, follow, not_run
from pipeline.terminal.console import plain_console
from pipeline.terminal.failures import DONE, FAILED, INTERRUPTED


@dataclass(frozen=True)
class Wanted:
    """What is to be done with a package.

    Attributes:
      pipeline_name: the package's own name unless given.
      version: name of the version; made of the content unless given.
      experiment: what the run is to be listed under.
      run_name: name of the run, or of the recurring run.
      root: where artifacts go; the package's or the installation's own unless given.
      parameters: texts KEY=VALUE.
      cache: False: every task runs.
      cron: five fields; the pipeline then runs by them.
      max_concurrency: how many runs of a recurring one may overlap.
      replace: whether a recurring run of the same name goes.
      wait: whether to follow the run to its end.
      timeout: seconds to follow it.
      upload_only: nothing is run.
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


@dataclass(frozen=True)
class _Version:
    """A version of a pipeline that the installation has."""

    pipeline_id: str
    version_id: str
    pipeline_name: str


def submit_here(file: str, wanted: Wanted, **address) -> int:
    """Submit a package, and say what comes of it.

    Everything that can be checked is checked before anything is sent.

    Args:
      file: the package.
      wanted: what to do.
      address: of the installation, as of `Connection`.

    Returns:
      The exit status: FAILED if the run was followed and did not succeed.

    Raises:
      ConfigError: the package or the options are wrong, or the installation refuses them.
      ServiceError: the installation cannot be reached, or does not do it.
    """
    package = read_package(file, wanted.cache)
    values = typed_values(package.parameters, wanted.parameters)
    cron = kubeflow_cron(wanted.cron) if wanted.cron is not None else None
    _check(wanted)
    if not wanted.upload_only:
        require_all(package.parameters, values)
    console = plain_console()
    connection = Connection(**address)
    if address.get("namespace") and not connection.multi_user:
        console.print("note       the installation has no users, so --namespace is not needed")
    version = _upload(package, wanted, connection, console)
    if wanted.upload_only:
        path = f"pipelines/details/{version.pipeline_id}/version/{version.version_id}"
        _say(console, "page", connection.page(path))
        return DONE
    experiment = connection.ask(
        connection.client.create_experiment, name=wanted.experiment, namespace=connection.namespace
    )
    common = {
        "experiment_id": experiment.experiment_id,
        "pipeline_id": version.pipeline_id,
        "version_id": version.version_id,
        "params": values,
        "pipeline_root": wanted.root,
    }
    if cron:
        _recur(wanted, cron, common, version, connection, console)
        return DONE
    return _run(wanted, package, common, version, connection, console)


def _check(wanted: Wanted) -> None:
    """Refuse options that do not go together.

    Raises:
      ConfigError: naming them.
    """
    if wanted.root and not wanted.root.startswith(STORES):
        raise ConfigError(
            f"--root {wanted.root} is none of {', '.join(STORES)}, which is where Kubeflow "
            "Pipelines can put artifacts."
        )
    if wanted.cron is None and (wanted.max_concurrency or wanted.replace):
        option = "--max-concurrency" if wanted.max_concurrency else "--replace"
        raise ConfigError(f"{option} is about a recurring run: add --cron.")
    if wanted.upload_only and wanted.cron is not None:
        raise ConfigError("--upload-only runs nothing, so it does not go with --cron.")


def _upload(
    package: CompiledPackage, wanted: Wanted, connection: Connection, console: Console
) -> _Version:
    """Upload the package as a version of its pipeline, if it is not there already."""
    client = connection.client
    name = wanted.pipeline_name or package.name
    of_user = {"namespace": connection.namespace} if connection.namespace else {}
    found = list(connection.all_named(client.list_pipelines, "pipelines", name, **of_user))
    if len(found) > 1:
        raise ConfigError(
            f'There are {len(found)} pipelines called "{name}". Choose another name with '
            "--pipeline-name."
        )
    pipeline = found[0] if found else None
    if not pipeline:
        pipeline = connection.ask(client.create_pipeline, name=name, namespace=connection.namespace)
    version_name = wanted.version or package.digest
    if wanted.version and not wanted.cache:
        # The same pipeline with the cache turned off is another package.
        version_name += "-no-cache"
    version = _known_version(version_name, pipeline, connection)
    how = "there already" if version else "uploaded"
    if not version:
        version = _new_version(package, version_name, pipeline, connection)
    _say(console, "pipeline", f"{name}, version {version_name}, {how}")
    return _Version(pipeline.pipeline_id, version.pipeline_version_id, name)


def _known_version(name: str, pipeline: Any, connection: Connection) -> Any | None:
    versions = connection.all_named(
        connection.client.list_pipeline_versions,
        "pipeline_versions",
        name,
        pipeline_id=pipeline.pipeline_id,
    )
    return next(versions, None)


def _new_version(package: CompiledPackage, name: str, pipeline: Any, connection: Connection) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "pipeline.yaml")
        with open(file, "wb") as opened:
            opened.write(package.content)
        try:
            return connection.ask(
                connection.client.upload_pipeline_version,
                pipeline_package_path=file,
                pipeline_version_name=name,
                pipeline_id=pipeline.pipeline_id,
            )
        except AlreadyThere:
            # Somebody else has submitted the same at the same moment.
            version = _known_version(name, pipeline, connection)
            if not version:
                raise
            return version


def _recur(
    wanted: Wanted,
    cron: str,
    common: dict[str, Any],
    version: _Version,
    connection: Connection,
    console: Console,
) -> None:
    """Make a recurring run; there is to be one of a name."""
    client = connection.client
    name = wanted.run_name or version.pipeline_name
    before = list(
        connection.all_named(
            client.list_recurring_runs,
            "recurring_runs",
            name,
            experiment_id=common["experiment_id"],
        )
    )
    if before and not wanted.replace:
        raise ConfigError(
            f'There is a recurring run called "{name}" already, and both would run. Add --replace '
            "to put this one in its place, or choose another name with --run-name."
        )
    made = connection.ask(
        client.create_recurring_run,
        job_name=name,
        cron_expression=cron,
        max_concurrency=wanted.max_concurrency or 1,
        # After a pause, one run of the present data does for all that were missed.
        no_catchup=True,
        **common,
    )
    # Only now, so that there is always one.
    for old in before:
        connection.ask(client.delete_recurring_run, recurring_run_id=old.recurring_run_id)
    replaced = " in place of the one before" if before else ""
    _say(console, "recurring", f"{name}, at {wanted.cron}{replaced}")
    _say(console, "page", connection.page(f"recurringrun/details/{made.recurring_run_id}"))


def _run(
    wanted: Wanted,
    package: CompiledPackage,
    common: dict[str, Any],
    version: _Version,
    connection: Connection,
    console: Console,
) -> int:
    """Start a run, follow it if wanted, and return the exit status."""
    now = datetime.datetime.now().strftime("%Y-%m-%d %H-%M-%S")
    name = wanted.run_name or f"{version.pipeline_name} {now}"
    run = connection.ask(connection.client.run_pipeline, job_name=name, **common)
    _say(console, "run", f"{name}, id {run.run_id}")
    _say(console, "page", connection.page(f"runs/details/{run.run_id}"))
    if not wanted.wait:
        return DONE
    try:
        ended = follow(connection, run.run_id, package.tasks, console, wanted.timeout)
    except KeyboardInterrupt:
        console.print("No longer watched; the run goes on. To end it, use the page of the run.")
        return INTERRUPTED
    return _verdict(ended, package.tasks, console)


def _verdict(run: Any, tasks: tuple[str, ...], console: Console) -> int:
    if run.state == "SUCCEEDED":
        console.print("succeeded")
        return DONE
    errors = plain_console(sys.stderr)
    failed = failures_of(run, tasks)
    names = ", ".join(name for name in failed if name)
    errors.print(
        escape(f"Error: The run {run.state.lower()}{f' at {names}' if names else ''}.")
        if run.state == "FAILED"
        else f"Error: The run was {run.state.lower()}."
    )
    for name, message in failed.items():
        said = message or "the installation does not say why; its page has the logs"
        errors.print(escape(f"  {name + ': ' if name else ''}{said}"))
    left = not_run(run, tasks)
    if left and len(left) < len(tasks):
        errors.print(escape(f"  not run: {', '.join(left)}"))
    return FAILED


def _say(console: Console, what: str, text: str | None) -> None:
    if text:
        console.print(escape(f"{what:<10} {text}"))
