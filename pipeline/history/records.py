"""What ML Metadata knows of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2


@dataclass(frozen=True)
class RunRecord:
    """One run of the pipeline.

    Attributes:
      run_id: the time the run started, ISO 8601; the name under which metadata knows it.
      artifacts: folders of the artifacts it made or took from the cache, by type name.
    """

    run_id: str
    artifacts: dict[str, list[str]]

    def only(self, type_name: str) -> str:
        """Return the folder of the one artifact of a type."""
        (uri,) = self.artifacts[type_name]
        return uri


def metadata_connection(output: str) -> metadata_store_pb2.ConnectionConfig:
    """Return where the metadata of an output folder are, which is made if need be."""
    os.makedirs(output, exist_ok=True)
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = os.path.join(output, "metadata.sqlite")
    connection.sqlite.connection_mode = (
        metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    )
    return connection


def newest_run(connection: metadata_store_pb2.ConnectionConfig) -> RunRecord:
    """Return the record of the run that was started last."""
    store = metadata_store.MetadataStore(connection)
    return _record(store, _runs(store)[-1])


def all_runs(connection: metadata_store_pb2.ConnectionConfig) -> list[RunRecord]:
    """Return the records of all runs, oldest first."""
    store = metadata_store.MetadataStore(connection)
    return [_record(store, run) for run in _runs(store)]


def evaluations(connection: metadata_store_pb2.ConnectionConfig) -> dict[str, str]:
    """Return what the Evaluator wrote by the id of the run that first had it, oldest first.

    Runs that ended before the Evaluator, or took its answer from the cache, have none of their
    own.
    """
    found: dict[str, str] = {}
    for run in all_runs(connection):
        for folder in run.artifacts.get("ModelEvaluation", ()):
            if folder not in found.values():
                found[run.run_id] = folder
    return found


def _runs(store: metadata_store.MetadataStore) -> list[metadata_store_pb2.Context]:
    return sorted(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)


def _record(store: metadata_store.MetadataStore, run: metadata_store_pb2.Context) -> RunRecord:
    artifacts: dict[str, list[str]] = {}
    for artifact in store.get_artifacts_by_context(run.id):
        artifacts.setdefault(artifact.type, []).append(artifact.uri)
    return RunRecord(run.name, artifacts)
