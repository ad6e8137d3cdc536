"""Spectrograms as serialised tf.Examples, and the files that hold them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.spectrogram_example_gen.line_strength import line_strength
from data import example_features
from data.reading.layout import Layout

# docs/stored-form.md has the measurements behind both.
COMPRESSION, COMPRESSION_LEVEL = "", None
SHARD_BYTES = 32 << 20
LEAST_SHARDS = 4

_ROWS_AT_A_TIME = 256


def shard_count(rows: int, pixels: int) -> int:
    """Return how many files a split is written to."""
    by_size = -(-rows * pixels // SHARD_BYTES)
    return max(1, min(rows, max(LEAST_SHARDS, by_size)))


def serialised(
    levels: np.ndarray,
    labels: np.ndarray,
    layout: Layout,
    files: Sequence[str] = (),
    rows: Sequence[int] = (),
) -> Iterator[bytes]:
    """Yield one serialised tf.Example a row.

    Args:
      levels: uint8 [rows, pixels].
      labels: int64 [rows] class indices.
      layout: size of the images and names of the classes.
      files, rows: where each is in the data; none for images that are in no file.
    """
    names = [name.encode() for name in layout.classes]
    for start in range(0, len(levels), _ROWS_AT_A_TIME):
        summaries = _summaries(levels[start : start + _ROWS_AT_A_TIME], layout)
        for at, place in enumerate(range(start, start + len(summaries.brightness))):
            label = int(labels[place])
            feature = {
                example_features.IMAGE: _bytes(levels[place].tobytes()),
                example_features.LABEL: _int(label),
                example_features.CLASS_NAME: _bytes(names[label]),
                example_features.BRIGHTNESS: _float(summaries.brightness[at]),
                example_features.CONTRAST: _float(summaries.contrast[at]),
                example_features.DYNAMIC_RANGE: _float(summaries.dynamic_range[at]),
                example_features.DEAD_CHANNELS: _int(int(summaries.dead_channels[at])),
                example_features.LINE_STRENGTH: _float(summaries.line_strength[at]),
            }
            if len(files):
                feature[example_features.FILE] = _bytes(files[place].encode())
                feature[example_features.ROW] = _int(int(rows[place]))
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            yield example.SerializeToString(deterministic=True)


@dataclass(frozen=True)
class _Summaries:
    brightness: np.ndarray
    contrast: np.ndarray
    dynamic_range: np.ndarray
    dead_channels: np.ndarray
    line_strength: np.ndarray


def _summaries(levels: np.ndarray, layout: Layout) -> _Summaries:
    """What `data.example_features` says of each row of uint8 levels [rows, pixels]."""
    # Sums of whole numbers are exact, and need no floating-point copy of the pixels.
    mean = levels.sum(axis=1, dtype=np.int64) / layout.pixels
    squares = np.square(levels, dtype=np.uint16).sum(axis=1, dtype=np.int64) / layout.pixels
    deviation = np.sqrt(np.maximum(squares - mean**2, 0))
    images = levels.reshape(-1, layout.height, layout.width)
    return _Summaries(
        brightness=mean / 255,
        contrast=deviation / 255,
        dynamic_range=(levels.max(axis=1) - levels.min(axis=1)) / 255,
        dead_channels=(images == images[:, :1]).all(axis=1).sum(axis=1),
        line_strength=line_strength(images, mean, deviation),
    )


def write_records(folder: str, shard: int, shards: int, records: Iterable[bytes]) -> None:
    """Write one file of a split, completely or not at all.

    Args:
      folder: of the split; it exists.
      shard, shards: which file of how many.
      records: in their order.
    """
    ending = ".gz" if COMPRESSION else ""
    path = os.path.join(folder, f"data_tfrecord-{shard:05d}-of-{shards:05d}{ending}")
    # Beam may run a bundle twice: only a whole file ever gets the name that readers look for.
    unfinished = f"{folder}.unfinished-{shard}-{uuid.uuid4().hex}"
    options = tf.io.TFRecordOptions(
        compression_type=COMPRESSION, compression_level=COMPRESSION_LEVEL
    )
    with tf.io.TFRecordWriter(unfinished, options) as writer:
        for record in records:
            writer.write(record)
    tf.io.gfile.rename(unfinished, path, overwrite=True)


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _float(value: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))


def _int(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
