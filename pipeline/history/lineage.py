"""Where a pushed model came from, as ML Metadata knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

_OUTPUTS = (
    metadata_store_pb2.Event.OUTPUT,
    metadata_store_pb2.Event.DECLARED_OUTPUT,
    metadata_store_pb2.Event.PENDING_OUTPUT,
)
# Where the Pusher notes the folder that is served.
_PUSHED_TO = "pushed_destination"


@dataclass(frozen=True)
class Ancestor:
    """A step that a pushed model goes back to.

    Attributes:
      step: id of the node.
      run_id: the run that it was executed in; later runs may have taken it from the cache.
      finished: when, in UTC.
      made: type and folder of each artifact that it made on the way to the model.
      took: types of the artifacts that it was given.
    """

    step: str
    run_id: str
    finished: datetime
    made: list[tuple[str, str]]
    took: list[str]


def lineage(connection: metadata_store_pb2.ConnectionConfig, pushed_to: str) -> list[Ancestor]:
    """Return the steps that a pushed model goes back to, in the order of their execution.

    Args:
      connection: the ML Metadata store.
      pushed_to: the folder of the pushed model, as metrics.json has it.

    Raises:
      LookupError: metadata know no such model.
    """
    store = metadata_store.MetadataStore(connection)
    pushed = [
        artifact
        for artifact in store.get_artifacts_by_type("PushedModel")
        if artifact.custom_properties[_PUSHED_TO].string_value == pushed_to
    ]
    if not pushed:
        raise LookupError(f"ML Metadata know of no model pushed to {pushed_to}.")
    wanted, made_by = [pushed[0].id], {}
    while wanted:
        # An artifact that was answered from the cache has several executions; the first made it.
        makers = {}
        for event in store.get_events_by_artifact_ids(wanted):
            if event.type in _OUTPUTS:
                known = makers.get(event.artifact_id, event.execution_id)
                makers[event.artifact_id] = min(known, event.execution_id)
        new = set(makers.values()) - set(made_by.values())
        made_by |= makers
        wanted = (
            [
                event.artifact_id
                for event in store.get_events_by_execution_ids(list(new))
                if event.type not in _OUTPUTS and event.artifact_id not in made_by
            ]
            if new
            else []
        )
    return [
        _ancestor(store, execution, [id for id, maker in made_by.items() if maker == execution])
        for execution in sorted(set(made_by.values()))
    ]


def _ancestor(
    store: metadata_store.MetadataStore, execution_id: int, made: Sequence[int]
) -> Ancestor:
    (execution,) = store.get_executions_by_id([execution_id])
    contexts = {
        store.get_context_types_by_id([context.type_id])[0].name: context.name
        for context in store.get_contexts_by_execution(execution_id)
    }
    inputs = [
        event.artifact_id
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type not in _OUTPUTS
    ]
    return Ancestor(
        # TFX puts the name of the pipeline before that of the node.
        step=contexts["node"].rpartition(".")[2],
        run_id=contexts["pipeline_run"],
        finished=datetime.fromtimestamp(
            execution.last_update_time_since_epoch / 1000, tz=timezone.utc
        ),
        made=[(artifact.type, artifact.uri) for artifact in store.get_artifacts_by_id(made)],
        took=sorted({artifact.type for artifact in store.get_artifacts_by_id(inputs)}),
    )
