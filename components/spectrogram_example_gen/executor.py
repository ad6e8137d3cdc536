"""The executor of SpectrogramExampleGen."""

from __future__ import annotations

import gc
import json
import logging
from typing import Any

from tfx.components.example_gen.utils import FINGERPRINT_PROPERTY_NAME
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import Artifact, artifact_utils, standard_component_specs

from components.spectrogram_example_gen.data_fingerprint import (
    compute_data_fingerprint,
    identify_files,
    refuse_changes,
)
from components.spectrogram_example_gen.examples_artifact import (
    FINDINGS_FILE,
    SOURCE_PROPERTY,
    describe_source,
    format_findings,
)
from components.spectrogram_example_gen.ingest import Ingest, build
from components.spectrogram_example_gen.properties import (
    parse_layout,
    parse_tolerance,
    take_requested_inventory,
)
from data.invalid import InvalidData
from data.reading.inventory import Inventory
from data.reading.problems import list_problems
from data.reading.verdict import Findings
from data.storage import files

_LOG = logging.getLogger("radio_signals.ingest")


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, checks, shuffles and stores the rows of every split."""

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes one folder of TFRecord shards for each split.

        Raises:
          InvalidData: the data are refused and nothing is published. The message lists all
            errors.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        # PyArrow 10 looks through all objects of the process whenever it has read a chunk of CSV,
        # a tenth of a second for the million that the imports of TFX left. It skips frozen ones.
        # Once, because garbage that is frozen keeps its files open.
        if not gc.get_freeze_count():
            gc.freeze()
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        inventory = take_requested_inventory(exec_properties)
        examples.split_names = artifact_utils.encode_split_names(list(inventory.splits))
        ingest = Ingest(
            inventory=inventory,
            layout=parse_layout(exec_properties),
            tolerance=parse_tolerance(exec_properties),
            seed=int(exec_properties["seed"]),
            spill_folder=files.join(self._get_tmp_dir(), "rows"),
            split_folders={
                split: artifact_utils.get_split_uri([examples], split) for split in inventory.splits
            },
        )
        # Shards that an earlier run left here would be read with those of this one.
        if files.exists(examples.uri):
            files.remove_folder(examples.uri)
        # The driver computed it, but Kubeflow runs no driver.
        expected = exec_properties.get(FINGERPRINT_PROPERTY_NAME)
        findings, stored, fingerprint = self._ingest_unchanged(ingest, expected)
        findings.raise_errors(ingest.inventory.folder)
        _log_findings(findings)
        _describe(examples, findings, ingest.inventory, stored)
        if not expected:
            examples.set_string_custom_property(FINGERPRINT_PROPERTY_NAME, fingerprint)

    def _ingest_unchanged(
        self, ingest: Ingest, expected: str | None
    ) -> tuple[Findings, dict[str, int], str]:
        """Read data that nobody changes meanwhile.

        Returns:
          Findings, number of images by file of examples, and the fingerprint of the data.
        """
        # A file that was changed and changed back has the old digest, but not the old identity.
        identities, fingerprint = identify_files(ingest.inventory), ""
        try:
            findings, stored = self._ingest(ingest)
            fingerprint = compute_data_fingerprint(ingest.inventory)
        finally:
            refuse_changes(ingest.inventory, identities, fingerprint, expected)
        return findings, stored, fingerprint

    def _ingest(self, ingest: Ingest) -> tuple[Findings, dict[str, int]]:
        inventory = ingest.inventory
        if not inventory.chunks:
            raise InvalidData(list_problems(inventory.problems, "The data cannot be used:"))
        for stream in inventory.streams:
            _LOG.info("%s is compressed, so one worker reads all of it", stream)
        for folder in (ingest.spill_folder, *ingest.split_folders.values()):
            files.make_folder(folder)
        try:
            with self._make_beam_pipeline() as pipeline:
                build(pipeline, ingest)
            return ingest.read_findings(), ingest.read_stored()
        finally:
            files.remove_folder(ingest.spill_folder)


def _log_findings(findings: Findings) -> None:
    dropped, warnings = findings.dropped, findings.warnings
    for remark in findings.remarks:
        _LOG.info("%s", remark)
    if dropped:
        _LOG.info("%s", list_problems(dropped, f"{len(dropped):,} bad rows left out:"))
    if warnings:
        _LOG.info("warning: %s", list_problems(warnings, f"{len(warnings):,} oddities:"))


def _describe(
    examples: Artifact, findings: Findings, inventory: Inventory, stored: dict[str, int]
) -> None:
    """Add source and findings to the artifact, for lineage and for the report."""
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    for split, count in findings.images.items():
        examples.set_int_custom_property(f"{split}_rows", count)
    examples.span = inventory.span
    examples.set_int_custom_property("dropped_rows", len(findings.dropped))
    examples.set_int_custom_property("warnings", len(findings.warnings))
    examples.set_string_custom_property("format", inventory.format)
    source = describe_source(inventory.folder, inventory.division)
    examples.set_string_custom_property(SOURCE_PROPERTY, source)
    relative = {path.removeprefix(f"{examples.uri}/"): images for path, images in stored.items()}
    content = json.dumps(format_findings(findings, inventory, relative), indent=2)
    files.write_file(files.join(examples.uri, FINDINGS_FILE), content)
