"""Which data are the same."""

from __future__ import annotations

import hashlib
import os

from components.spectrogram_example_gen.beam_files import BeamFiles
from data.fingerprint import file_fingerprint
from data.reading.files import is_remote
from data.reading.inventory import Inventory


def content_fingerprint(inventory: Inventory) -> str:
    """Return SHA-256 over names and content of all files there are to read.

    From a bucket, every run would first download all of it: there, sizes and times must do.
    """
    remote = is_remote(inventory.folder)
    identity = BeamFiles().identity if remote else file_fingerprint
    digest = hashlib.sha256()
    for path in inventory.paths:
        digest.update(f"{os.path.relpath(path, inventory.folder)}\0{identity(path)}\n".encode())
    return f"{'metadata' if remote else 'sha256'}:{digest.hexdigest()}"
