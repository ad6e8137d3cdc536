"""Records of runs in ML Metadata."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from urllib.parse import quote

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from data.invalid import InvalidData
from data.storage.files import make_folder
from pipeline.history.digests import Digests

METADATA_FILE = "metadata.sqlite"
"""The database of ML Metadata in an output folder."""


@dataclass(frozen=True)
class RunRecord:
    """One run of the pipeline.

    Attributes:
      run_id: start of the run, ISO 8601, local time. ML Metadata lists the run by this name.
      artifacts: folders of the artifacts that the run made or took from the cache, by type name.
    """

    run_id: str
    artifacts: dict[str, list[str]]

    def get_folder(self, type_name: str) -> str:
        """Return the folder of the only artifact of a type."""
        (uri,) = self.artifacts[type_name]
        return uri


@dataclass(frozen=True)
class StepRecord:
    """One step of a run.

    Attributes:
      step: id of the node.
      seconds: wall-clock time from the start of the step to its end.
      cached: whether the step took its output from an earlier run.
      outputs: folders of its output artifacts.
    """

    step: str
    seconds: float
    cached: bool
    outputs: tuple[str, ...] = ()


def create_metadata(output: str) -> metadata_store_pb2.ConnectionConfig:
    """Return the connection of a run. Creates the output folder and the database if needed.

    Raises:
      InvalidData: the database is damaged.
    """
    make_folder(output)
    _check_database(output)
    Digests(output).forget_record()
    return _connect(output, metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE)


def connect_to_metadata(output: str) -> metadata_store_pb2.ConnectionConfig:
    """Return a connection that reads the records in an output folder and changes nothing.

    Raises:
      LookupError: the folder holds no runs.
      InvalidData: the database is damaged.
    """
    _check_database(output)
    path = os.path.join(output, METADATA_FILE)
    if not os.path.exists(path) or not os.path.getsize(path):
        raise LookupError(f"{output} holds no runs. Name the output folder of a run with --output.")
    return _connect(output, metadata_store_pb2.SqliteMetadataSourceConfig.READONLY)


def _connect(output: str, mode: int) -> metadata_store_pb2.ConnectionConfig:
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = os.path.join(output, METADATA_FILE)
    connection.sqlite.connection_mode = mode
    return connection


def _check_database(output: str) -> None:
    path = os.path.join(os.path.abspath(output), METADATA_FILE)
    if not os.path.exists(path):
        return
    # A run that is killed within a transaction leaves a journal, with which SQLite takes back the
    # half transaction as soon as somebody who may write opens the database.
    mode = "rw" if os.path.exists(f"{path}-journal") else "ro"
    address = f"file:{quote(path)}?mode={mode}"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as store:
            (problem,) = store.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        raise InvalidData(f"{path} cannot be read: {error}.") from error
    except sqlite3.DatabaseError as error:
        problem = str(error)
    if problem == "ok":
        # A run that starts at this moment forgets the digest, and then changes the database.
        if Digests(output).is_record_intact(path) or Digests(output).is_record_intact(path):
            return
        problem = "it is not as the last run left it"
    raise InvalidData(
        f"{path}, the record of all runs, is damaged: {' '.join(problem.split())}. Restore the "
        "whole output folder from a copy, or start anew in another one."
    )


def read_runs(connection: metadata_store_pb2.ConnectionConfig) -> list[RunRecord]:
    """Return the records of all runs, oldest first."""
    store = metadata_store.MetadataStore(connection)
    return [_read_run(store, run) for run in _list_runs(store)]


def read_newest_run(connection: metadata_store_pb2.ConnectionConfig) -> RunRecord:
    """Return the record of the run that started last."""
    store = metadata_store.MetadataStore(connection)
    return _read_run(store, _list_runs(store)[-1])


def read_steps(
    connection: metadata_store_pb2.ConnectionConfig, run_id: str
) -> dict[str, StepRecord]:
    """Return the steps of a run by the id of their node, in the order in which they started."""
    store = metadata_store.MetadataStore(connection)
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    executions = sorted(store.get_executions_by_context(run.id), key=lambda execution: execution.id)
    steps = [_read_step(store, execution) for execution in executions]
    return {record.step: record for record in steps}


def read_step(
    connection: metadata_store_pb2.ConnectionConfig, run_id: str, step: str
) -> StepRecord:
    """Return the record of one step of a run, the newest if it was tried several times."""
    store = metadata_store.MetadataStore(connection)
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    executions = store.get_executions_by_context(run.id)
    for execution in sorted(executions, key=lambda execution: execution.id, reverse=True):
        record = _read_step(store, execution)
        if record.step == step:
            return record
    raise LookupError(f"The run {run_id} has no step {step}.")


def find_evaluations(connection: metadata_store_pb2.ConnectionConfig) -> dict[str, str]:
    """Return the folder of each evaluation by the id of the run that made it, oldest first.

    Runs that ended before the Evaluator, or took its output from the cache, are left out.
    """
    evaluations: dict[str, str] = {}
    for run in read_runs(connection):
        for folder in run.artifacts.get("ModelEvaluation", ()):
            if folder not in evaluations.values():
                evaluations[run.run_id] = folder
    return evaluations


def find_step(store: metadata_store.MetadataStore, execution_id: int) -> tuple[str, str]:
    """Return the id of the node and the id of the run that an execution belongs to."""
    contexts = {
        context.type: context.name for context in store.get_contexts_by_execution(execution_id)
    }
    # TFX prefixes the id of the node with the name of the pipeline.
    return contexts["node"].rpartition(".")[2], contexts["pipeline_run"]


def _list_runs(store: metadata_store.MetadataStore) -> list[metadata_store_pb2.Context]:
    return sorted(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)


def _read_run(store: metadata_store.MetadataStore, run: metadata_store_pb2.Context) -> RunRecord:
    artifacts: dict[str, list[str]] = {}
    for artifact in store.get_artifacts_by_context(run.id):
        artifacts.setdefault(artifact.type, []).append(artifact.uri)
    return RunRecord(run.name, artifacts)


def _read_step(
    store: metadata_store.MetadataStore, execution: metadata_store_pb2.Execution
) -> StepRecord:
    step, _ = find_step(store, execution.id)
    milliseconds = execution.last_update_time_since_epoch - execution.create_time_since_epoch
    cached = execution.last_known_state == metadata_store_pb2.Execution.CACHED
    outputs = [
        event.artifact_id
        for event in store.get_events_by_execution_ids([execution.id])
        if event.type == metadata_store_pb2.Event.OUTPUT
    ]
    uris = tuple(artifact.uri for artifact in store.get_artifacts_by_id(outputs))
    return StepRecord(step, milliseconds / 1000, cached, uris)
