"""The fingerprint of the data files, which tells changed data from unchanged data."""

from __future__ import annotations

import hashlib
import os

from components.spectrogram_example_gen.beam_files import BeamFiles
from data.fingerprint import fingerprint_file
from data.reading.input_files import is_remote
from data.reading.inventory import Inventory


def compute_data_fingerprint(inventory: Inventory) -> str:
    """Return a SHA-256 over the names and the content of all files of an inventory.

    Files of a bucket would have to be downloaded by every run to do this. For those, sizes and
    modification times stand for the content.
    """
    remote = is_remote(inventory.folder)
    identity = BeamFiles().identity if remote else fingerprint_file
    digest = hashlib.sha256()
    for path in inventory.paths:
        digest.update(f"{os.path.relpath(path, inventory.folder)}\0{identity(path)}\n".encode())
    return f"{'metadata' if remote else 'sha256'}:{digest.hexdigest()}"
