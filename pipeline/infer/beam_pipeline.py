"""The Beam pipeline: counts rows, reads them, classifies them and writes shards of Parquet.

    chunks -> count -> read -> RunInference -> rows -> Parquet
                            -> bad rows -> a text file

A chunk is what one worker reads at a time. The counts of all chunks number their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io.parquetio import WriteToParquet
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import AsDict, TaggedOutput

from data.reading.labels import BAD
from data.storage import files
from pipeline.classify.images import list_columns
from pipeline.classify.inputs.parts import Part, refuse_other_count
from pipeline.classify.tables import make_schema
from pipeline.infer.model_handler import Classified, PushedModelHandler, Spectrogram

BAD_ROWS = "_bad_rows.txt"
"""The bad rows, one a line. Readers of Parquet pass over such names."""

SHARDS = "classes"
"""How the names of the shards begin."""

_BAD = "bad"

Place = tuple[int, int]
"""Number of a part, and of a chunk of it."""


def run_inference(
    parts: Sequence[Part],
    handler: PushedModelHandler,
    classes: Sequence[str],
    threshold: float,
    output: str,
    beam_args: Sequence[str],
) -> None:
    """Classify all spectrograms.

    Args:
      parts: what to read.
      handler: loads and asks the model.
      classes: names of its classes.
      threshold: what has a lower score is uncertain.
      output: the folder to write to, which every worker can reach.
      beam_args: options of Beam.
    """
    places = [(i, k) for i, part in enumerate(parts) for k in range(len(part.chunks))]
    with_labels = any(part.has_labels for part in parts)
    with beam.Pipeline(options=PipelineOptions(list(beam_args))) as pipeline:
        chunks = pipeline | "chunks" >> beam.Create(places) | beam.Reshuffle()
        counts = chunks | "count" >> beam.Map(_count, parts)
        read = chunks | "read" >> beam.FlatMap(_read, parts, AsDict(counts)).with_outputs(
            _BAD, main="good"
        )
        _ = read[_BAD] | "bad rows" >> beam.io.WriteToText(
            files.join(output, BAD_ROWS), shard_name_template=""
        )
        _ = (
            read["good"]
            | RunInference(handler)
            | "rows" >> beam.Map(_make_row, list(classes), threshold, with_labels)
            | WriteToParquet(
                files.join(output, SHARDS),
                make_schema(list_columns(classes, with_labels)),
                file_name_suffix=".parquet",
            )
        )


def _count(place: Place, parts: Sequence[Part]) -> tuple[Place, int]:
    part = parts[place[0]]
    return place, part.count(part.chunks[place[1]])


def _read(place: Place, parts: Sequence[Part], counts: Mapping[Place, int]) -> Iterator[Any]:
    """Yield the images of a chunk, and the bad rows as a tagged output."""
    number, chunk = place
    part = parts[number]
    first = sum(counts[number, earlier] for earlier in range(chunk))
    for block, rows in part.read_chunk(part.chunks[chunk], first):
        first += rows
        for problem in block.problems:
            yield TaggedOutput(_BAD, str(problem))
        for (source, row), label, levels in zip(
            block.places, block.labels.tolist(), block.levels, strict=True
        ):
            yield Spectrogram(source, row, label, levels)
    if part.labels is not None and chunk == len(part.chunks) - 1:
        refuse_other_count(part.labels, first)


def _make_row(
    classified: Classified, classes: Sequence[str], threshold: float, with_labels: bool
) -> dict[str, Any]:
    image, probabilities = classified
    decided = int(probabilities.argmax())
    label = {"label": None if image.label == BAD else classes[image.label]}
    return {
        "source": image.source,
        "row": image.row,
        "class": classes[decided],
        "score": probabilities[decided],
        **{f"p_{name}": each for name, each in zip(classes, probabilities, strict=True)},
        "uncertain": bool(probabilities[decided] < threshold),
        **(label if with_labels else {}),
    }
