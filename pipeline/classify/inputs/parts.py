"""A part of the inputs: the spectrograms of one file, or of the pictures of one folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

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
from pipeline.classify.inputs.batches import Block
from pipeline.classify.inputs.tfrecords import read_examples


@dataclass(frozen=True)
class Part:
    """Spectrograms that are read from the first to the last.

    Attributes:
      source: the files.
      reader: reads their format; None for tf.Examples.
      chunks: what to read.
      layout: what the images look like.
      files: where the files come from.
      labels: the labels, if they are in another file.
      has_labels: whether there are labels.
      is_live: whether the rows arrive one by one, and are not to wait for each other.
    """

    source: Source
    reader: Format | None
    chunks: Sequence[Chunk]
    layout: Layout
    files: InputFiles
    labels: Labels | None
    has_labels: bool
    is_live: bool = False

    def read(self) -> Iterator[Block]:
        """Yield the spectrograms.

        Raises:
          InvalidData: a file is damaged, or there are more images than labels, or fewer.
        """
        first = 0
        for chunk in self.chunks:
            for block, count in self.read_chunk(chunk, first):
                yield block
                first += count
        if self.labels is not None:
            refuse_other_count(self.labels, first)

    def read_chunk(self, chunk: Chunk, first: int) -> Iterator[tuple[Block, int]]:
        """Yield the good rows of a chunk, each time with the number of all rows.

        Args:
          chunk: one of the chunks.
          first: rows of the source before it.
        """
        if self.reader is None:
            rows_of_chunk = read_examples(chunk.source.images, self.layout)
        else:
            rows_of_chunk = self.reader.read(chunk, self.layout, self.files)
        for rows in rows_of_chunk:
            yield self._make_block(chunk, rows, first), len(rows.levels)
            first += len(rows.levels)

    def count(self, chunk: Chunk) -> int:
        """Return the number of rows of a chunk; 0 for the only chunk, which nobody counts."""
        if self.reader is None or len(self.chunks) == 1:
            return 0
        return self.reader.count(chunk, self.layout, self.files)

    def _make_block(self, chunk: Chunk, rows: Rows, first: int) -> Block:
        numbers = first + np.arange(len(rows.levels))
        problems = {n: self._bad_labels[n] for n in numbers.tolist() if n in self._bad_labels}
        for fault in (*rows.faults, *find_constant(rows, self.layout)):
            number = int(numbers[fault.row])
            problems[number] = chunk.describe(number, fault.text, fault.column)
        good = ~np.isin(numbers, list(problems))
        index = np.full(len(numbers), BAD)
        if self.labels is not None:
            known = self.labels.index[first : first + len(numbers)]
            index[: len(known)] = known
        elif len(rows.labels):
            index = rows.labels
        return Block(
            rows.levels[good],
            index[good],
            [chunk.locate(number) for number in numbers[good].tolist()],
            [problems[number] for number in sorted(problems)],
            rows.remarks,
        )

    @cached_property
    def _bad_labels(self) -> dict[int, Problem]:
        """What is wrong with labels, by the number of their row in the source, from 0."""
        if self.labels is None:
            return {}
        bad = np.flatnonzero(self.labels.index == BAD).tolist()
        return dict(zip(bad, (each for each in self.labels.problems if each.row), strict=True))

    def estimate_images(self) -> int | None:
        """Return about how many images there are; None if that is not known.

        The length of the first row of a text shows it.
        """
        start, end = (self.chunks[0].start, self.chunks[-1].end) if self.chunks else (0, 0)
        if end == TO_THE_END or self.reader is None:
            return None
        if not isinstance(self.reader, CsvFormat):
            return end - start
        lines, *_ = text.read_first_lines(
            self.source.images, 2, self.files, self.layout.longest_line
        )
        return -(-(end - start) // (len(lines[-1]) + 1))


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
    return Part(source, reader, chunks, layout, files, labels, has_labels)


def plan_examples(path: str, layout: Layout, files: InputFiles) -> Part:
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
    chunks = [Chunk(source, 0, TO_THE_END, first=True)]
    return Part(source, None, chunks, layout, files, None, bool((first.labels != BAD).any()))


def refuse_other_count(labels: Labels, images: int) -> None:
    """Compare the number of labels with that of images.

    Raises:
      InvalidData: they differ.
    """
    if len(labels.index) != images:
        raise InvalidData(
            f"{labels.source.images} has {images:,} rows but {escape(labels.source.labels)} has "
            f"{len(labels.index):,}. Row n of one belongs to row n of the other, so both must have "
            "the same number."
        )
