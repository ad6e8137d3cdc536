"""Serialises spectrograms as tf.Examples and writes them to TFRecord files."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.spectrogram_example_gen.line_strength import measure_line_strength
from data import example_features
from data.reading.layout import Layout
from data.storage import files

# docs/stored-form.md has the measurements behind both.
SHARD_BYTES = 32 << 20
MIN_SHARDS = 4

_ROWS_PER_BATCH = 256


def count_shards(rows: int, pixels: int) -> int:
    """Return to how many files a split is written."""
    by_size = -(-rows * pixels // SHARD_BYTES)
    return max(1, min(rows, max(MIN_SHARDS, by_size)))


def count_rows_at_a_time(pixels: int) -> int:
    """Return how many rows a worker holds in memory while it writes a file."""
    return max(1, SHARD_BYTES // pixels)


def serialise_examples(
    levels: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    layout: Layout,
    places: Sequence[tuple[str, int]] = (),
) -> Iterator[bytes]:
    """Yield one serialised tf.Example for each row.

    Args:
      levels: uint8 [rows, pixels].
      labels: int64 [rows] class indices.
      layout: size of the images and names of the classes.
      places: file of each row, relative to the data folder, and its number within the file; empty
        for images from no file.
    """
    names = [name.encode() for name in layout.classes]
    for start in range(0, len(levels), _ROWS_PER_BATCH):
        summaries = _summarise(levels[start : start + _ROWS_PER_BATCH], layout)
        for index in range(len(summaries.brightness)):
            row = start + index
            label = int(labels[row])
            feature = {
                example_features.IMAGE: _bytes(levels[row].tobytes()),
                example_features.LABEL: _int(label),
                example_features.CLASS_NAME: _bytes(names[label]),
                example_features.BRIGHTNESS: _float(summaries.brightness[index]),
                example_features.CONTRAST: _float(summaries.contrast[index]),
                example_features.DYNAMIC_RANGE: _float(summaries.dynamic_range[index]),
                example_features.DEAD_CHANNELS: _int(int(summaries.dead_channels[index])),
                example_features.LINE_STRENGTH: _float(summaries.line_strength[index]),
            }
            if places:
                path, number = places[row]
                feature[example_features.FILE] = _bytes(path.encode())
                feature[example_features.ROW] = _int(number)
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            yield example.SerializeToString(deterministic=True)


@dataclass(frozen=True)
class _Summaries:
    """The summaries that `data.example_features` describes, one value for each image."""

    brightness: npt.NDArray[np.float64]
    contrast: npt.NDArray[np.float64]
    dynamic_range: npt.NDArray[np.float64]
    dead_channels: npt.NDArray[np.int64]
    line_strength: npt.NDArray[np.float64]


def _summarise(levels: npt.NDArray[np.uint8], layout: Layout) -> _Summaries:
    """Summarise each row of uint8 levels [rows, pixels]."""
    # Integer sums are exact, and need no floating-point copy of the pixels.
    mean = levels.sum(axis=1, dtype=np.int64) / layout.pixels
    squares = np.square(levels, dtype=np.uint16).sum(axis=1, dtype=np.int64) / layout.pixels
    deviation = np.sqrt(np.maximum(squares - mean**2, 0))
    images = levels.reshape(-1, layout.height, layout.width)
    return _Summaries(
        brightness=mean / 255,
        contrast=deviation / 255,
        dynamic_range=(levels.max(axis=1) - levels.min(axis=1)) / 255,
        dead_channels=(images == images[:, :1]).all(axis=1).sum(axis=1),
        line_strength=measure_line_strength(images, mean, deviation),
    )


def write_shard(folder: str, shard: int, shards: int, records: Iterable[bytes]) -> tuple[str, int]:
    """Write one file of a split. It appears when it is complete.

    Args:
      folder: folder of the split, which must exist.
      shard: number of the file, from 0.
      shards: number of files of the split.
      records: serialised examples in the order of the file.

    Returns:
      The path of the file and the number of its records.
    """
    path, written = files.join(folder, f"data_tfrecord-{shard:05d}-of-{shards:05d}"), 0
    # Beam may run a bundle twice. Only a complete file gets the name that readers look for.
    unfinished = f"{folder}.unfinished-{shard}-{uuid.uuid4().hex}"
    with tf.io.TFRecordWriter(unfinished) as writer:
        for record in records:
            writer.write(record)
            written += 1
    files.move_file(unfinished, path)
    return path, written


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _float(value: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))


def _int(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
