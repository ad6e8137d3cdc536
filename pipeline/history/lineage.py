"""The lineage of a pushed model, read from ML Metadata."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from pipeline.history.records import find_step

_OUTPUTS = (
    metadata_store_pb2.Event.OUTPUT,
    metadata_store_pb2.Event.DECLARED_OUTPUT,
    metadata_store_pb2.Event.PENDING_OUTPUT,
)
# The property in which the Pusher records the folder that it pushed to.
PUSHED_TO = "pushed_destination"


@dataclass(frozen=True)
class LineageStep:
    """A step that contributed to a pushed model.

    Attributes:
      step: id of the node.
      run_id: the run that executed the step. Later runs may have used the cached output.
      finished: end of the step, in UTC.
      outputs: type and folder of each output that the model depends on.
      input_types: types of the step's input artifacts, sorted.
    """

    step: str
    run_id: str
    finished: datetime
    outputs: list[tuple[str, str]]
    input_types: list[str]


def trace_pushed_model(
    connection: metadata_store_pb2.ConnectionConfig, pushed_to: str
) -> list[LineageStep]:
    """Return the steps that contributed to a pushed model, in the order of their execution.

    Args:
      connection: the ML Metadata store.
      pushed_to: folder of the pushed model, as in metrics.json.

    Raises:
      LookupError: the store has no such model.
    """
    store = metadata_store.MetadataStore(connection)
    artifacts = [_find_pushed_model(store, pushed_to)]
    makers: dict[int, int] = {}
    while artifacts:
        new_makers = _find_makers(store, artifacts)
        executions = set(new_makers.values()) - set(makers.values())
        makers |= new_makers
        artifacts = [
            artifact for artifact in _list_inputs(store, executions) if artifact not in makers
        ]
    outputs: dict[int, list[int]] = {}
    for artifact, execution in makers.items():
        outputs.setdefault(execution, []).append(artifact)
    return [
        _read_lineage_step(store, execution, outputs[execution]) for execution in sorted(outputs)
    ]


def _find_pushed_model(store: metadata_store.MetadataStore, pushed_to: str) -> int:
    for artifact in store.get_artifacts_by_type("PushedModel"):
        if artifact.custom_properties[PUSHED_TO].string_value == pushed_to:
            return int(artifact.id)
    raise LookupError(f"ML Metadata has no model that was pushed to {pushed_to}.")


def _find_makers(store: metadata_store.MetadataStore, artifacts: Sequence[int]) -> dict[int, int]:
    """Return the execution that made each artifact."""
    makers: dict[int, int] = {}
    for event in store.get_events_by_artifact_ids(artifacts):
        if event.type in _OUTPUTS:
            # Executions that took the artifact from the cache follow the one that made it.
            earliest = makers.get(event.artifact_id, event.execution_id)
            makers[event.artifact_id] = min(earliest, event.execution_id)
    return makers


def _list_inputs(store: metadata_store.MetadataStore, executions: Collection[int]) -> list[int]:
    events = store.get_events_by_execution_ids(list(executions))
    return [event.artifact_id for event in events if event.type not in _OUTPUTS]


def _read_lineage_step(
    store: metadata_store.MetadataStore, execution_id: int, outputs: Sequence[int]
) -> LineageStep:
    (execution,) = store.get_executions_by_id([execution_id])
    step, run_id = find_step(store, execution_id)
    inputs = store.get_artifacts_by_id(_list_inputs(store, [execution_id]))
    return LineageStep(
        step=step,
        run_id=run_id,
        finished=datetime.fromtimestamp(
            execution.last_update_time_since_epoch / 1000, tz=timezone.utc
        ),
        outputs=[(artifact.type, artifact.uri) for artifact in store.get_artifacts_by_id(outputs)],
        input_types=sorted({artifact.type for artifact in inputs}),
    )
