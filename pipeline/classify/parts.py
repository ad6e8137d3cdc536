"""A part of the inputs: the spectrograms of one file, or of the pictures of one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from data.invalid import InvalidData, escape
from data.reading import text
from data.reading.formats.csv_text import CsvFormat
from data.reading.formats.format import Chunk, Format, Labels, Rows, Source
from data.reading.input_files import InputFiles, is_remote
from data.reading.labels import BAD
from data.reading.layout import Layout
from data.reading.problems import Problem
from data.reading.scan import find_constant
from data.reading.text import TO_THE_END
from pipeline.classify.batches import Block
from pipeline.classify.tfrecords import read_examples


@dataclass(frozen=True)
class Part:
    """Spectrograms that are read from the first to the last.

    Attributes:
      path: the file or folder.
      images: about how many there are; None if that is not known.
      has_labels: whether they have labels.
      read: reads them.
      is_live: whether they arrive one by one, and are not to wait for each other.
    """

    path: str
    images: int | None
    has_labels: bool
    read: Callable[[], Iterator[Block]]
    is_live: bool = False


def plan_part(
    reader: Format,
    source: Source,
    layout: Layout,
    files: InputFiles,
    chunks: Sequence[Chunk] | None = None,
) -> Part:
    """Look at a source, without reading its images.

    Args:
      reader: reads its format.
      source: the files. The path of the labels is empty if there are none.
      layout: what the images look like.
      files: where the files come from.
      chunks: what to read; None for all.

    Raises:
      InvalidData: it cannot hold such images, or its labels cannot be read.
    """
    chunks = reader.plan(source, layout, files) if chunks is None else chunks
    labels = reader.read_labels(source, layout, files) if source.labels else None
    has_labels = labels is not None or reader.name == "csv"
    if chunks and chunks[0].names:  # pictures or recordings
        first = reader.read_labels_of(chunks[0].select([0]), layout, files)
        has_labels = bool((first != BAD).any())
    images = _estimate_images(reader, chunks, layout, files)

    def read() -> Iterator[Block]:
        pairs = ((chunk, rows) for chunk in chunks for rows in reader.read(chunk, layout, files))
        return _make_blocks(pairs, source, labels, layout)

    return Part(source.images, images, has_labels, read)


def plan_examples(path: str, layout: Layout) -> Part:
    """Look at a file of tf.Examples.

    Raises:
      InvalidData: it is damaged, empty, or not on this machine.
    """
    if is_remote(path):
        raise InvalidData(f"{path} is an address. Copy the file to this machine first.")
    first = next(read_examples(path, layout), None)
    if first is None:
        raise InvalidData(f"{path} is empty.")
    source = Source("", path, "")
    chunk = Chunk(source, 0, 0, first=True)

    def read() -> Iterator[Block]:
        pairs = ((chunk, rows) for rows in read_examples(path, layout))
        return _make_blocks(pairs, source, None, layout)

    return Part(path, None, bool((first.labels != BAD).any()), read)


def _estimate_images(
    reader: Format, chunks: Sequence[Chunk], layout: Layout, files: InputFiles
) -> int | None:
    """Return about how many images there are, as the length of the first row of a text shows."""
    start, end = (chunks[0].start, chunks[-1].end) if chunks else (0, 0)
    if end == TO_THE_END:
        return None
    if not isinstance(reader, CsvFormat):
        return end - start
    path = chunks[0].source.images
    lines, *_ = text.read_first_lines(path, 2, files, layout.longest_line)
    return -(-(end - start) // (len(lines[-1]) + 1))


def _make_blocks(
    rows_by_chunk: Iterable[tuple[Chunk, Rows]],
    source: Source,
    labels: Labels | None,
    layout: Layout,
) -> Iterator[Block]:
    """Yield the rows of a source.

    Raises:
      InvalidData: there are more images than labels, or fewer.
    """
    first, bad_labels = 0, dict(_list_bad_labels(labels))
    for chunk, rows in rows_by_chunk:
        numbers = first + np.arange(len(rows.levels))
        first += len(rows.levels)
        problems = {number: bad_labels[number] for number in numbers if number in bad_labels}
        for fault in (*rows.faults, *find_constant(rows, layout)):
            number = int(numbers[fault.row])
            problems[number] = chunk.describe(number, fault.text, fault.column)
        good = ~np.isin(numbers, list(problems))
        index = np.full(len(numbers), BAD)
        if labels is not None:
            known = labels.index[numbers[0] : first]
            index[: len(known)] = known
        elif len(rows.labels):
            index = rows.labels
        yield Block(
            rows.levels[good],
            index[good],
            [chunk.locate(number) for number in numbers[good].tolist()],
            [problems[number] for number in sorted(problems)],
            rows.remarks,
        )
    if labels is not None and len(labels.index) != first:
        raise InvalidData(
            f"{source.images} has {first:,} rows but {escape(labels.source.labels)} has "
            f"{len(labels.index):,}. Row n of one belongs to row n of the other, so both must have "
            "the same number."
        )


def _list_bad_labels(labels: Labels | None) -> Iterator[tuple[int, Problem]]:
    """Yield the number of each row of a source whose label is bad, and what is wrong."""
    if labels is not None:
        bad = np.flatnonzero(labels.index == BAD).tolist()
        yield from zip(bad, (each for each in labels.problems if each.row), strict=True)
