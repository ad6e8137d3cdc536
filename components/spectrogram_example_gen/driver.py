"""The driver of SpectrogramExampleGen: which span is the newest, and which data are the same."""

from __future__ import annotations

import hashlib
import os

from tfx.components.example_gen import driver, utils

from components.spectrogram_example_gen.beam_files import BeamFiles
from components.spectrogram_example_gen.settings import inventory_of
from data.fingerprint import file_fingerprint
from data.reading.files import is_remote
from data.reading.inventory import Inventory


class Driver(driver.Driver):
    """Makes the span and the content of its files part of what the cache goes by.

    TFX's own fingerprint is made of sizes and whole-second times. All files of the published format
    with as many rows have one size, and copying tools keep times, so different data could pass for
    the same; and the same data, copied or simulated again, for different.
    """

    def resolve_exec_properties(self, exec_properties, pipeline_info, component_info):
        """Adds span, version and fingerprint to the execution properties."""
        inventory = inventory_of(exec_properties)
        if inventory.span:
            # To the cache, a span is the same whether it was named or is the newest.
            exec_properties["wanted_span"] = inventory.span
        exec_properties[utils.SPAN_PROPERTY_NAME] = inventory.span
        exec_properties[utils.VERSION_PROPERTY_NAME] = None
        exec_properties[utils.FINGERPRINT_PROPERTY_NAME] = content_fingerprint(inventory)
        return exec_properties


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
