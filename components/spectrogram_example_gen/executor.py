"""The Beam executor of SpectrogramExampleGen."""

from __future__ import annotations

import json
import logging
import os
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx.components.example_gen.utils import FINGERPRINT_PROPERTY_NAME
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.spectrogram_example_gen.data_fingerprint import content_fingerprint
from components.spectrogram_example_gen.examples import serialised, shard_count, write_records
from components.spectrogram_example_gen.file_systems import files_of
from components.spectrogram_example_gen.properties import inventory_of, layout_of, tolerance_of
from components.spectrogram_example_gen.shuffle import Pile, PuttingDown, pick_up, places_of
from data.invalid import InvalidData
from data.reading.check import first_rows
from data.reading.formats.format import Labels, Part, Source
from data.reading.inventory import Inventory
from data.reading.layout import Layout, Tolerance
from data.reading.problems import SHOWN, listed
from data.reading.scan import Scan, count_rows, read_labels, scan_part
from data.reading.verdict import Findings, judge
from data.seed_layout import RECORD, SPLITS

# Custom property of the examples: where the data came from, in words.
SOURCE_PROPERTY = "source"

FINDINGS_FILE = "findings.json"
"""Beside the splits: images by class, dropped rows and warnings."""

_LOG = logging.getLogger("radio_signals.ingest")


@dataclass(frozen=True)
class Ingest:
    """What every worker knows.

    Attributes:
      inventory, layout, tolerance: of the data.
      seed: of the shuffle.
      scratch: folder that all workers reach, for rows on their way from readers to writers.
      folders: where the files of each split go.
    """

    inventory: Inventory
    layout: Layout
    tolerance: Tolerance
    seed: int
    scratch: str
    folders: dict[str, str]

    @property
    def verdict_file(self) -> str:
        """Where the verdict is put for the executor, which may be in another process."""
        return os.path.join(self.scratch, "verdict")


class Executor(base_beam_executor.BaseBeamExecutor):
    """Pairs, checks, shuffles and stores the rows of every split."""

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]) -> None:
        """Writes one folder of TFRecord shards for each split.

        Raises:
          InvalidData: listing all that is wrong; nothing is published then.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        ingest = Ingest(
            inventory=inventory_of(exec_properties),
            layout=layout_of(exec_properties),
            tolerance=tolerance_of(exec_properties),
            seed=int(exec_properties["seed"]),
            scratch=os.path.join(self._get_tmp_dir(), "rows"),
            folders={split: artifact_utils.get_split_uri([examples], split) for split in SPLITS},
        )
        if not ingest.inventory.parts:
            raise InvalidData(listed(ingest.inventory.problems, "The data cannot be used:"))
        for stream in ingest.inventory.streams:
            _LOG.info("%s is compressed, so one worker reads all of it", stream)
        for folder in (ingest.scratch, *ingest.folders.values()):
            tf.io.gfile.makedirs(folder)
        try:
            with self._make_beam_pipeline() as pipeline:
                build(pipeline, ingest)
            with tf.io.gfile.GFile(ingest.verdict_file, "rb") as file:
                findings: Findings = pickle.loads(file.read())
        finally:
            tf.io.gfile.rmtree(ingest.scratch)
        findings.raise_errors(ingest.inventory.folder)
        _tell(findings)
        _record(findings, ingest.inventory, examples)
        if not exec_properties.get(FINGERPRINT_PROPERTY_NAME):
            # No driver took it: Kubeflow runs none.
            fingerprint = content_fingerprint(ingest.inventory)
            examples.set_string_custom_property(FINGERPRINT_PROPERTY_NAME, fingerprint)


def build(pipeline: beam.Pipeline, ingest: Ingest) -> None:
    """Lay out the work: look, read and put down, judge, write.

    Each step knows the results of those before by side inputs, all of them small: numbers of rows,
    labels, digests, places. The rows themselves go by files. There are few steps, because the
    direct runner takes tens of milliseconds to translate each.
    """
    parts = list(enumerate(ingest.inventory.parts))
    sources = dict.fromkeys(part.source for _, part in parts)
    # Create spreads its elements over the workers.
    to_do = pipeline | "Parts" >> beam.Create([*parts, *sources])
    looks = to_do | "Look" >> beam.Map(_look, ingest)
    reads = to_do | "Read" >> beam.FlatMap(_read, ingest, beam.pvalue.AsList(looks))
    once = pipeline | "Once" >> beam.Impulse()
    findings = once | "Judge" >> beam.Map(
        _judge, ingest, beam.pvalue.AsList(looks), beam.pvalue.AsList(reads)
    )
    _ = (
        once
        | "Shards" >> beam.FlatMap(_shards, ingest, beam.pvalue.AsList(looks))
        | "SpreadShards" >> beam.Reshuffle()
        | "Write"
        >> beam.Map(_write, ingest, beam.pvalue.AsList(reads), beam.pvalue.AsSingleton(findings))
    )


Task = tuple[int, Part] | Source
"""A numbered part to count and read, or a source whose labels are to be read."""

Look = tuple[int, int] | Labels | None
"""Number of a part and of its rows; or labels, or None where they come with the rows."""


def _look(task: Task, ingest: Ingest) -> Look:
    """Count the rows of a part, or read the labels of a source."""
    inventory = ingest.inventory
    files = files_of(inventory.folder)
    if isinstance(task, Source):
        return read_labels(task, inventory.format, ingest.layout, files)
    number, part = task
    return number, count_rows(part, inventory.format, files)


def _counts(looks: Sequence[Look], inventory: Inventory) -> dict[Part, int]:
    return {inventory.parts[look[0]]: look[1] for look in looks if isinstance(look, tuple)}


def _labels(looks: Sequence[Look]) -> list[Labels]:
    return [look for look in looks if isinstance(look, Labels)]


def _read(task: Task, ingest: Ingest, looks: Sequence[Look]) -> Iterator[tuple[Scan, list[Pile]]]:
    """Read a part and put its rows down."""
    if isinstance(task, Source):
        return
    _, part = task
    inventory, split = ingest.inventory, part.source.split
    rows = _counts(looks, inventory)
    first_row = first_rows(inventory.parts, rows)[part]
    labels = {found.source: found for found in _labels(looks)}
    own = [other for other in inventory.parts if other.source.split == split]
    before = sum(rows[other] for other in own[: own.index(part)])
    places = places_of(sum(rows[other] for other in own), ingest.seed)
    putting_down = PuttingDown(
        ingest.scratch, part, first_row, places[before : before + rows[part]]
    )
    scan = scan_part(
        part,
        inventory.format,
        first_row,
        labels.get(part.source),
        ingest.layout,
        files_of(inventory.folder),
        sink=putting_down.take,
    )
    putting_down.finish()
    yield scan, putting_down.piles


def _judge(
    _: bytes, ingest: Ingest, looks: Sequence[Look], reads: Sequence[tuple[Scan, list[Pile]]]
) -> Findings:
    findings = judge(
        ingest.inventory,
        _labels(looks),
        [scan for scan, _ in reads],
        ingest.layout,
        ingest.tolerance,
    )
    with tf.io.gfile.GFile(ingest.verdict_file, "wb") as file:
        file.write(pickle.dumps(findings))
    return findings


def _shards(_: bytes, ingest: Ingest, looks: Sequence[Look]) -> Iterator[tuple[str, int, int, int]]:
    """Yield split, number of the shard, number of shards, and rows of the split."""
    counts = _counts(looks, ingest.inventory)
    for split in SPLITS:
        rows = sum(count for part, count in counts.items() if part.source.split == split)
        shards = shard_count(rows, ingest.layout.pixels)
        yield from ((split, shard, shards, rows) for shard in range(shards))


def _write(
    which: tuple[str, int, int, int],
    ingest: Ingest,
    reads: Sequence[tuple[Scan, list[Pile]]],
    findings: Findings,
) -> None:
    """Write one shard, unless the data are refused."""
    if findings.errors:
        return
    split, shard, shards, rows = which
    found = pick_up(
        [pile for _, piles in reads for pile in piles if pile.split == split],
        rows * shard // shards,
        rows * (shard + 1) // shards,
        ingest.layout.pixels,
        findings.dropped_rows,
        ingest.inventory.folder,
    )
    examples = serialised(found.levels, found.labels, ingest.layout, found.files, found.rows)
    write_records(ingest.folders[split], shard, shards, examples)


def describe_source(folder: str) -> str:
    """Return the data folder, and whether it holds simulated data, for people to read."""
    files = files_of(folder)
    try:
        with files.open(os.path.join(folder, RECORD)) as file:
            record = json.load(file)
    except FileNotFoundError:
        return folder
    return f"{folder} (SIMULATED: preset {record.get('preset')}, seed {record.get('seed')})"


def _tell(findings: Findings) -> None:
    if findings.dropped:
        _LOG.info("%s", listed(findings.dropped, f"{len(findings.dropped):,} bad rows left out:"))
    if findings.warnings:
        _LOG.info("warning: %s", listed(findings.warnings, f"{len(findings.warnings):,} oddities:"))


def _record(findings: Findings, inventory: Inventory, examples) -> None:
    """Write what was found to the artifact, for lineage and for the report."""
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    for split, count in findings.images.items():
        examples.set_int_custom_property(f"{split}_rows", count)
    examples.span = inventory.span
    examples.set_int_custom_property("dropped_rows", len(findings.dropped))
    examples.set_int_custom_property("warnings", len(findings.warnings))
    examples.set_string_custom_property("format", inventory.format)
    examples.set_string_custom_property(SOURCE_PROPERTY, describe_source(inventory.folder))
    content = {
        "format": inventory.format,
        "span": inventory.span,
        "files": inventory.paths,
        "images": findings.counts,
        "dropped_rows": [asdict(problem) for problem in findings.dropped],
        "warnings": [asdict(problem) for problem in findings.warnings[:SHOWN]],
        "warnings_in_all": len(findings.warnings),
    }
    with tf.io.gfile.GFile(os.path.join(examples.uri, FINDINGS_FILE), "w") as file:
        file.write(json.dumps(content, indent=2))
