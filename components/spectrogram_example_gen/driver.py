"""The driver of SpectrogramExampleGen: which data are the same data."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from apache_beam.io.filesystems import FileSystems
from tfx.components.example_gen import utils
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from data.fingerprint import file_fingerprint


class Driver(FileBasedDriver):
    """Makes the content of local files the fingerprint that the cache goes by.

    TFX's own is made of sizes and whole-second times. All files of this format with as many
    rows have one size, and copying tools keep times, so different data could pass for the same;
    and the same data, copied or simulated again, for different.
    """

    def resolve_exec_properties(self, exec_properties, pipeline_info, component_info):
        """Adds span, version and fingerprint to the execution properties."""
        resolved = super().resolve_exec_properties(exec_properties, pipeline_info, component_info)
        base = resolved[standard_component_specs.INPUT_BASE_KEY]
        # From a bucket, every run would first download all of it.
        if "://" not in base:
            resolved[utils.FINGERPRINT_PROPERTY_NAME] = content_fingerprint(base, resolved)
        return resolved


def content_fingerprint(base: str, exec_properties: dict[str, Any]) -> str:
    """Return SHA-256 over names and content of all files that the input patterns match."""
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.INPUT_CONFIG_KEY], config)
    digest = hashlib.sha256()
    for split in config.splits:
        (match,) = FileSystems.match([os.path.join(base, split.pattern)])
        for path in sorted(file.path for file in match.metadata_list):
            digest.update(f"{os.path.relpath(path, base)}\0{file_fingerprint(path)}\n".encode())
    return "sha256:" + digest.hexdigest()
