"""The examples of a split: where each of them is on disk, and random access to them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from data import example_features
from data.invalid import InvalidData
from data.reading.input_files import is_remote
from data.storage import files
from data.stored_images import read_stored_images

# Records per read. More take no less time, and the largest images would fill the memory.
_RECORDS_PER_BLOCK = 128

# In a TFRecord file, the length of a record, 8 bytes, and its checksum precede the record. Another
# checksum follows it.
_BYTES_BEFORE, _BYTES_AFTER = 12, 4

# TensorFlow tunes a dataset in a thread that sleeps for up to a minute. If this thread misses the
# end of the data, whoever frees the iterator waits until it wakes.
UNTUNED = tf.data.Options()
UNTUNED.autotune.enabled = False

_REMEDY = "Run again with --no-cache, which stores the images again."


@dataclass(frozen=True, eq=False)
class Records:
    """The examples of a split. They stay on disk; 24 bytes for each are in memory.

    Attributes:
      fingerprint: digest of their content and order, whichever files they were in.
      files: open files of this machine.
      places: int64 [N, 3] in stored order: the index of the file, the first byte and the length.
    """

    fingerprint: str
    files: Sequence[IO[bytes]] = field(repr=False)
    places: npt.NDArray[np.int64] = field(repr=False)

    @property
    def images(self) -> int:
        """Number of examples."""
        return len(self.places)

    def read(self, members: tf.Tensor) -> tf.Tensor:
        """Return the examples with these indices, string [B], also in a graph."""
        serialised = tf.numpy_function(self._read, [members], tf.string, stateful=False)
        return tf.ensure_shape(serialised, [None])

    def read_blocks(self) -> Iterator[tf.Tensor]:
        """Yield all examples in stored order, string [up to `_RECORDS_PER_BLOCK`] each."""
        for first in range(0, self.images, _RECORDS_PER_BLOCK):
            yield self.read(tf.range(first, min(first + _RECORDS_PER_BLOCK, self.images)))

    def read_labels(self) -> npt.NDArray[np.int64]:
        """Return the index of the class of each example, int [N], in stored order."""
        label = {example_features.LABEL: tf.io.FixedLenFeature([], tf.int64)}
        parsed = (tf.io.parse_example(block, label) for block in self.read_blocks())
        return np.concatenate([each[example_features.LABEL].numpy() for each in parsed])

    def _read(self, members: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        serialised = np.empty(len(members), object)
        for number, (file, first, length) in enumerate(self.places[members].tolist()):
            # Unlike `read`, this needs no position that threads would share.
            record = os.pread(self.files[file].fileno(), length, first)
            if len(record) < length:
                raise InvalidData(f"{self.files[file].name} became shorter while it was in use.")
            serialised[number] = record
        return serialised


def read_records(patterns: list[str], workers: int = 1, worker: int = 0) -> Records:
    """Check the examples of a split, or of one worker's shard of it, and find their places.

    Shards consist of whole files if every worker can have the same number of files. Otherwise they
    consist of single records, and every worker reads all files. Examples in a bucket are copied to
    a temporary file of this machine.

    Args:
      patterns: file patterns of TFRecords of the raw examples.
      workers: number of workers that share the split.
      worker: number of the worker that reads, from 0.

    Raises:
      InvalidData: there is no record for this worker, or a file is missing, damaged or holds
        another number of records than ingest wrote.
    """
    counts = read_stored_images(patterns)
    paths = (file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    names = sorted({*paths, *counts})
    whole_files = len(names) % workers == 0
    opened: list[IO[bytes]] = []
    places, digest, position = [], hashlib.sha256(), 0
    for name in names[worker::workers] if whole_files else names:
        file, end = _open(name), 0
        for block in _read_blocks(file, name, counts.get(name)):
            lengths = tf.strings.length(block).numpy().astype(np.int64)
            ends = end + np.cumsum(lengths + _BYTES_BEFORE + _BYTES_AFTER)
            end = ends[-1]
            # Counted over all files, every n-th record belongs to this worker.
            first, step = (0, 1) if whole_files else ((worker - position) % workers, workers)
            own = slice(first, None, step)
            position += len(block)
            starts = ends - _BYTES_AFTER - lengths
            numbers = np.full_like(lengths, len(opened))
            places.append(np.stack([numbers, starts, lengths], axis=1)[own])
            # SHA-256 of TensorFlow's hashes, which take a fraction of the time of reading.
            hashes = tf.strings.to_hash_bucket_fast(block[own], 2**63 - 1)
            digest.update(hashes.numpy().tobytes())
        opened.append(file)
    if not sum(map(len, places)):
        raise InvalidData(f"{', '.join(patterns)} hold no images for worker {worker} of {workers}.")
    return Records(digest.hexdigest(), opened, np.concatenate(places))


def _open(name: str) -> IO[bytes]:
    """Open a file of this machine, or a temporary copy of a file elsewhere.

    Raises:
      InvalidData: it is missing.
    """
    try:
        if not is_remote(name):
            return open(name, "rb")
        copy = tempfile.NamedTemporaryFile()  # noqa: SIM115 - it is removed when it is closed.
        with files.open_file(name, "rb") as source:
            shutil.copyfileobj(source, copy)
    except FileNotFoundError:
        raise InvalidData(f"{name} is missing. {_REMEDY}") from None
    copy.flush()
    return cast("IO[bytes]", copy)


def _read_blocks(file: IO[bytes], name: str, count: int | None) -> Iterator[tf.Tensor]:
    """Yield the records of a file, string [up to _RECORDS_PER_BLOCK] each.

    Args:
      file: the file, or a copy of it.
      name: its own path or address, for messages.
      count: number of records that ingest wrote; None if it is not known.

    Raises:
      InvalidData: the file is damaged or holds another number of records.
    """
    records = 0
    try:
        blocks = tf.data.TFRecordDataset(file.name).batch(_RECORDS_PER_BLOCK)
        for block in blocks.with_options(UNTUNED):
            records += len(block)
            yield block
    except tf.errors.DataLossError:
        raise InvalidData(f"{name} is damaged. {_REMEDY}") from None
    if count is not None and records != count:
        raise InvalidData(
            f"{name} holds {records:,} images, but ingest stored {count:,} in it. {_REMEDY}"
        )
