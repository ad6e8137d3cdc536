"""Records an inference in ML Metadata: which model classified what, and where the answers are.

The record has an execution of the type RunInference. Its input is the PushedModel that the Pusher
recorded, so that everything the model was made of can be traced. Its output is an InferenceResult.
"""

from __future__ import annotations

from collections.abc import Mapping

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.history.lineage import PUSHED_TO
from trainer.export.pushed_models import PushedModel

EXECUTION_TYPE = "RunInference"
MODEL_TYPE, RESULT_TYPE = "PushedModel", "InferenceResult"
"""Types of TFX."""

Facts = Mapping[str, str | int]


def record_inference(
    connection: mlmd.ConnectionConfig, model: PushedModel, output: str, facts: Facts
) -> int:
    """Record a finished inference; return the number of its execution.

    Args:
      connection: the ML Metadata store.
      model: the model that answered.
      output: the folder of the answers.
      facts: what is known of the inference.
    """
    store = metadata_store.MetadataStore(connection)
    execution = mlmd.Execution(
        type_id=_find_type(store, mlmd.ExecutionType(name=EXECUTION_TYPE)),
        last_known_state=mlmd.Execution.COMPLETE,
    )
    _set_properties(execution, facts)
    result = mlmd.Artifact(
        type_id=_find_type(store, mlmd.ArtifactType(name=RESULT_TYPE)),
        uri=output,
        state=mlmd.Artifact.LIVE,
    )
    _set_properties(result, facts)
    number, _, _ = store.put_execution(
        execution,
        [
            (_find_model(store, model), mlmd.Event(type=mlmd.Event.INPUT)),
            (result, mlmd.Event(type=mlmd.Event.OUTPUT)),
        ],
        [],
    )
    return int(number)


def _find_model(store: metadata_store.MetadataStore, model: PushedModel) -> mlmd.Artifact:
    """Return the artifact of a pushed model; a new one if another store has the record."""
    for artifact in store.get_artifacts_by_type(MODEL_TYPE):
        if artifact.custom_properties[PUSHED_TO].string_value == model.path:
            return artifact
    artifact = mlmd.Artifact(
        type_id=_find_type(store, mlmd.ArtifactType(name=MODEL_TYPE)),
        uri=model.path,
        state=mlmd.Artifact.LIVE,
    )
    _set_properties(artifact, {PUSHED_TO: model.path})
    return artifact


def _find_type(
    store: metadata_store.MetadataStore, kind: mlmd.ArtifactType | mlmd.ExecutionType
) -> int:
    """Return the number of a type, which is registered as it is if the store has it."""
    if isinstance(kind, mlmd.ArtifactType):
        return int(store.put_artifact_type(kind, can_omit_fields=True))
    return int(store.put_execution_type(kind, can_omit_fields=True))


def _set_properties(record: mlmd.Artifact | mlmd.Execution, facts: Facts) -> None:
    for name, value in facts.items():
        if isinstance(value, int):
            record.custom_properties[name].int_value = value
        else:
            record.custom_properties[name].string_value = value
