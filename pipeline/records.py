"""What ML Metadata knows of a run."""

from __future__ import annotations

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


def newest_run(connection: metadata_store_pb2.ConnectionConfig) -> RunRecord:
    """Return the record of the run that was started last."""
    store = metadata_store.MetadataStore(connection)
    run = max(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)
    artifacts: dict[str, list[str]] = {}
    for artifact in store.get_artifacts_by_context(run.id):
        artifacts.setdefault(artifact.type, []).append(artifact.uri)
    return RunRecord(run.name, artifacts)
