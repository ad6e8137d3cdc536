"""The Beam steps of ingest: count rows, read and spill them, judge the data, write shards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from components.spectrogram_example_gen.examples import (
    count_rows_at_a_time,
    count_shards,
    serialise_examples,
    write_shard,
)
from components.spectrogram_example_gen.file_systems import choose_files
from components.spectrogram_example_gen.shuffle import (
    SpillFile,
    SpillWriter,
    draw_positions,
    read_shuffled_rows,
)
from data.reading.check import count_rows_before
from data.reading.formats.format import Chunk, Labels, Source
from data.reading.inventory import Inventory
from data.reading.layout import Division, Layout, Tolerance
from data.reading.scan import Scan, count_rows, read_labels, scan_chunk
from data.reading.verdict import Findings, judge
from data.seed_layout import TEST, TRAIN, VALIDATION
from data.storage import files

_FINDINGS = TypeAdapter(Findings)
_STORED = "stored-"
_NO_ROWS = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Ingest:
    """Everything that all workers know.

    Attributes:
      inventory: the files of the data folder.
      layout: what the data must look like.
      tolerance: which faults of the data are tolerated.
      seed: seed of the shuffle.
      spill_folder: folder for spill files, which all workers can reach.
      split_folders: folder for the examples of each split.
    """

    inventory: Inventory
    layout: Layout
    tolerance: Tolerance
    seed: int
    spill_folder: str
    split_folders: dict[str, str]

    def read_findings(self) -> Findings:
        """Return what `build` found. It may have run in other processes, so it left a file."""
        return _FINDINGS.validate_json(files.read_bytes(self._findings_file))

    def write_findings(self, findings: Findings) -> None:
        """Leave the findings for `read_findings`."""
        files.write_file(self._findings_file, _FINDINGS.dump_json(findings))

    def read_stored(self) -> dict[str, int]:
        """Return the number of images in each file that `build` wrote, by its path."""
        names = files.list_folder(self.spill_folder)
        return dict(
            json.loads(files.read_bytes(files.join(self.spill_folder, name)))
            for name in names
            if name.startswith(_STORED)
        )

    def write_stored(self, path: str, images: int) -> None:
        """Leave the number of images of a file for `read_stored`."""
        name = _STORED + path.replace("/", "-").rpartition("Split-")[2]
        files.write_file(files.join(self.spill_folder, name), json.dumps([path, images]))

    @property
    def _findings_file(self) -> str:
        return files.join(self.spill_folder, "findings")


def build(pipeline: beam.Pipeline, ingest: Ingest) -> None:
    """Add the steps of ingest to a Beam pipeline.

    Each step gets the results of earlier steps as side inputs. All of these are small: numbers of
    rows, labels, digests, positions. The rows themselves pass through spill files. There are few
    steps, because the direct runner takes tens of milliseconds to translate each.
    """
    chunks = list(enumerate(ingest.inventory.chunks))
    sources = dict.fromkeys(chunk.source for _, chunk in chunks)
    # Create distributes its elements over the workers.
    items = pipeline | "Items" >> beam.Create([*chunks, *sources])
    counts = beam.pvalue.AsList(items | "Count" >> beam.Map(_count_or_read_labels, ingest))
    scans = beam.pvalue.AsList(items | "Spill" >> beam.FlatMap(_spill, ingest, counts))
    once = pipeline | "Once" >> beam.Impulse()
    findings = once | "Judge" >> beam.Map(_judge, ingest, counts, scans)
    _ = (
        once
        | "Shards" >> beam.FlatMap(_plan_shards, ingest, counts)
        | "SpreadShards" >> beam.Reshuffle()
        | "Write" >> beam.Map(_write, ingest, scans, beam.pvalue.AsSingleton(findings))
    )


Item = tuple[int, Chunk] | Source
"""A numbered chunk, whose rows are counted and read, or a source, whose labels are read."""

Count = tuple[int, int] | Labels | None
"""Number of a chunk and of its rows; or labels, or None if the labels come with the rows."""


@dataclass(frozen=True)
class Shard:
    """One output file.

    Attributes:
      split: its split.
      held: the split that the files of its rows say. It differs where data are to be divided.
      number: its number within the split, from 0.
      shards: number of shards of the split.
      rows: number of rows of `held`.
    """

    split: str
    held: str
    number: int
    shards: int
    rows: int


def _count_or_read_labels(item: Item, ingest: Ingest) -> Count:
    """Count the rows of a chunk, or read the labels of a source."""
    inventory = ingest.inventory
    source_files = choose_files(inventory.folder)
    if isinstance(item, Source):
        return read_labels(item, inventory.format, ingest.layout, source_files)
    number, chunk = item
    return number, count_rows(chunk, inventory.format, ingest.layout, source_files)


def _select_row_counts(counts: Sequence[Count], inventory: Inventory) -> dict[Chunk, int]:
    return {inventory.chunks[count[0]]: count[1] for count in counts if isinstance(count, tuple)}


def _select_labels(counts: Sequence[Count]) -> list[Labels]:
    return [count for count in counts if isinstance(count, Labels)]


def _spill(
    item: Item, ingest: Ingest, counts: Sequence[Count]
) -> Iterator[tuple[Scan, list[SpillFile]]]:
    """Read a chunk and spill its rows."""
    if isinstance(item, Source):
        return
    _, chunk = item
    inventory, split = ingest.inventory, chunk.source.split
    rows = _select_row_counts(counts, inventory)
    first_row = count_rows_before(inventory.chunks, rows)[chunk]
    labels = {labels.source: labels for labels in _select_labels(counts)}
    split_chunks = [other for other in inventory.chunks if other.source.split == split]
    before = sum(rows[other] for other in split_chunks[: split_chunks.index(chunk)])
    positions = draw_positions(sum(rows[other] for other in split_chunks), ingest.seed)
    writer = SpillWriter(
        ingest.spill_folder, chunk, first_row, positions[before : before + rows[chunk]]
    )
    scan = scan_chunk(
        chunk,
        inventory.format,
        first_row,
        labels.get(chunk.source),
        ingest.layout,
        choose_files(inventory.folder),
        writer.add,
    )
    writer.flush()
    yield scan, writer.files


def _judge(
    _: bytes,
    ingest: Ingest,
    counts: Sequence[Count],
    scans: Sequence[tuple[Scan, list[SpillFile]]],
) -> Findings:
    findings = judge(
        ingest.inventory,
        _select_labels(counts),
        [scan for scan, _ in scans],
        ingest.layout,
        ingest.tolerance,
    )
    ingest.write_findings(findings)
    return findings


def _plan_shards(_: bytes, ingest: Ingest, counts: Sequence[Count]) -> Iterator[Shard]:
    row_counts = _select_row_counts(counts, ingest.inventory)
    for split in ingest.inventory.splits:
        fraction = 0.0 if split == TEST else ingest.inventory.division.fraction
        held = TRAIN if fraction else split
        rows = sum(count for chunk, count in row_counts.items() if chunk.source.split == held)
        share = (fraction if split == VALIDATION else 1 - fraction) if fraction else 1
        shards = count_shards(round(rows * share), ingest.layout.pixels)
        yield from (Shard(split, held, number, shards, rows) for number in range(shards))


def _write(
    shard: Shard,
    ingest: Ingest,
    scans: Sequence[tuple[Scan, list[SpillFile]]],
    findings: Findings,
) -> None:
    """Write one shard, unless the data are refused."""
    if findings.errors:
        return
    spills = [
        spill for _, files in scans for spill in files if spill.chunk.source.split == shard.held
    ]
    examples = _make_examples(shard, ingest, spills, findings)
    folder = ingest.split_folders[shard.split]
    ingest.write_stored(*write_shard(folder, shard.number, shard.shards, examples))


def _make_examples(
    shard: Shard, ingest: Ingest, spills: Sequence[SpillFile], findings: Findings
) -> Iterator[bytes]:
    """Yield the examples of a shard, of which few at a time are in memory."""
    first = shard.rows * shard.number // shard.shards
    end = shard.rows * (shard.number + 1) // shard.shards
    # Of data that are divided, a shard has its share of all positions, but only the rows among them
    # that belong to its split.
    step = count_rows_at_a_time(ingest.layout.pixels)
    chooser = _RowChooser(shard.split, ingest.inventory.division, findings)
    for start in range(first, end, step):
        shuffled = read_shuffled_rows(
            spills,
            start,
            min(start + step, end),
            ingest.layout.pixels,
            chooser.choose,
            ingest.inventory.folder,
        )
        yield from serialise_examples(
            shuffled.levels, shuffled.labels, ingest.layout, shuffled.places
        )


class _RowChooser:
    """Chooses the rows of a split that are not dropped."""

    def __init__(self, split: str, division: Division, findings: Findings) -> None:
        self._split = split
        self._divided = division.fraction > 0 and split != TEST
        self._dropped = {
            path: np.array(sorted(rows), np.int64) for path, rows in findings.dropped_rows.items()
        }
        self._validation = {
            path: np.array(rows, np.int64) for path, rows in findings.validation_rows.items()
        }

    def choose(self, images: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which rows of a source are stored, given their 0-based numbers in it."""
        chosen = ~_are_listed(rows, self._dropped.get(images, _NO_ROWS))
        if self._divided:
            for_validation = _are_listed(rows, self._validation.get(images, _NO_ROWS))
            chosen &= for_validation == (self._split == VALIDATION)
        return chosen


def _are_listed(
    rows: npt.NDArray[np.int64], listed: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Return whether each row is in a sorted list, which may be long."""
    return np.searchsorted(listed, rows, "right") > np.searchsorted(listed, rows, "left")
