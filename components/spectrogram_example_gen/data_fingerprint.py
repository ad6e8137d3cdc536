"""The fingerprint of the data files, which tells changed data from unchanged data."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from components.spectrogram_example_gen.file_systems import choose_files
from data.invalid import InvalidData
from data.reading.input_files import compute_digest, is_remote
from data.reading.inventory import Inventory


def compute_data_fingerprint(inventory: Inventory) -> str:
    """Return a SHA-256 over the names and the content of all files of an inventory.

    Files of a bucket would have to be downloaded by every run to do this. For those, sizes and
    modification times stand for the content.
    """
    if is_remote(inventory.folder):
        kind, contents = "metadata", identify_files(inventory)
    else:
        kind, contents = "sha256", _compute_digests(inventory)
    digest = hashlib.sha256()
    for path, found in contents.items():
        name = os.path.relpath(path, inventory.folder)
        digest.update(f"{name}\0{found}\n".encode(errors="surrogateescape"))
    return f"{kind}:{digest.hexdigest()}"


def identify_files(inventory: Inventory) -> dict[str, str]:
    """Return, by path, what differs once somebody has changed a file, without reading it."""
    return choose_files(inventory.folder).identities(inventory.folder, inventory.paths)


def refuse_changes(
    inventory: Inventory, identities: Mapping[str, str], fingerprint: str, expected: str | None
) -> None:
    """Refuse data that are not what they were.

    Args:
      inventory: of the data that were read.
      identities: result of `identify_files` before they were read.
      fingerprint: theirs, computed after they were read; empty if they were not.
      expected: their fingerprint before; None or empty if it is not known.

    Raises:
      InvalidData: a file has changed.
    """
    changed = [path for path, now in identify_files(inventory).items() if now != identities[path]]
    if changed or (fingerprint and expected and fingerprint != expected):
        where = changed[0] if changed else inventory.folder
        raise InvalidData(
            f"{where} changed while the run read it, so nothing was stored. Wait until the data "
            "are complete, then run again."
        )


def _compute_digests(inventory: Inventory) -> dict[str, str]:
    input_files = choose_files(inventory.folder)

    def compute_or_explain(path: str) -> str:
        try:
            return compute_digest(path, input_files)
        except InvalidData as error:  # for which the data will be refused
            return str(error)

    return {path: compute_or_explain(path) for path in inventory.paths}
