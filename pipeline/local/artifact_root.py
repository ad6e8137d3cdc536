"""One output folder for each folder of artifacts."""

from __future__ import annotations

import os
import socket
import uuid

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from data.invalid import InvalidData
from data.storage import files
from data.storage.checked_json import read_checked_json, write_checked_json
from data.storage.lease import LeaseHeldError, hold_lease
from pipeline.config.config import ConfigError
from pipeline.history.records import METADATA_FILE

_OWNER_FILE = "owner.json"
_ID_TYPE = "radio_signals.output"
# The first step of the graph. Where it has stored something, there are artifacts.
_FIRST_STEP = "SpectrogramExampleGen"
# Who claims a folder needs a moment, in a store on another continent perhaps seconds.
_LEASE_SECONDS = 60.0


def claim_artifact_root(
    root: str, output: str, connection: metadata_store_pb2.ConnectionConfig
) -> None:
    """Record that a folder holds the artifacts of an output folder.

    ML Metadata numbers the executions of each database from 1, and the folders of artifacts have
    these numbers. If two databases used one folder, each would overwrite the artifacts of the
    other, and the cache would answer with the other's data.

    Args:
      root: folder or bucket address of the artifacts.
      output: the output folder, which holds the database.
      connection: the database.

    Raises:
      ConfigError: the folder holds artifacts that belong to another database.
    """
    store = metadata_store.MetadataStore(connection)
    owner_file = files.join(root, _OWNER_FILE)
    new_database = not store.get_contexts_by_type("pipeline_run")
    if files.exists(owner_file):
        owner = _read_owner(owner_file, root, output)
    elif new_database and files.exists(files.join(root, _FIRST_STEP)):
        owner = {"id": "", "output": output, "host": ""}
    else:
        owner = _become_owner(root, owner_file, output, _read_id(store))
    if owner["id"] == _read_id(store):
        return
    if owner["output"] == output:
        database = os.path.join(output, METADATA_FILE)
        raise ConfigError(
            f"{root} holds the artifacts of earlier runs, but {database} is not the record of "
            f"these runs: it was lost or replaced. Restore it, or move {root} away to start anew."
        )
    raise ConfigError(
        f"{root} holds the artifacts of another output folder, {owner['output']} on "
        f"{owner['host']}. Two output folders cannot share one. Set `artifacts` to another folder."
    )


def _become_owner(root: str, owner_file: str, output: str, store_id: str) -> dict[str, str]:
    """Write the owner, unless another run does so at this moment; return who it is."""
    host = socket.gethostname()
    try:
        # Only one run at a time has the output folder and its database.
        holder = f"the first run into {output} on {host}"
        with hold_lease(root, holder, _LEASE_SECONDS, identity=store_id):
            if not files.exists(owner_file):
                owner = {"id": store_id, "output": output, "host": host}
                write_checked_json(owner_file, owner)
            return _read_owner(owner_file, root, output)
    except LeaseHeldError as error:
        raise ConfigError(str(error)) from None


def _read_owner(owner_file: str, root: str, output: str) -> dict[str, str]:
    try:
        return read_checked_json(owner_file)
    except InvalidData:
        raise ConfigError(
            f"{owner_file} is damaged. If {output} is the only output folder that uses {root}, "
            "remove this file."
        ) from None


def _read_id(store: metadata_store.MetadataStore) -> str:
    """Return the random id of a database; give it one if it has none."""
    ids = [context.name for context in store.get_contexts_by_type(_ID_TYPE)]
    if ids:
        return str(ids[0])
    type_id = store.put_context_type(metadata_store_pb2.ContextType(name=_ID_TYPE))
    name = uuid.uuid4().hex
    store.put_contexts([metadata_store_pb2.Context(type_id=type_id, name=name)])
    return name
