"""Training and validation batches, read through the Transform graph."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from data import example_features
from data.invalid import InvalidData
from trainer.inputs.augmentation import Augmentation

# Records handed over at a time while reading; no more than a matter of speed.
_RECORDS_AT_A_TIME = 1024


@dataclass(frozen=True)
class Records:
    """The examples of a split, in memory: 8 KiB each for 64 x 128 pixels.

    Attributes:
      serialised: string [N], in stored order.
      fingerprint: of their content and order, whatever files they were in.
    """

    serialised: tf.Tensor
    fingerprint: str

    @property
    def images(self) -> int:
        """Number of examples."""
        return len(self.serialised)


def read_records(patterns: list[str], workers: int = 1, worker: int = 0) -> Records:
    """Read a split, or the share of it that is one worker's.

    Shares are of whole files, where these can be dealt out evenly; else of single records, for
    which every worker has to read all files.

    Args:
      patterns: file patterns of TFRecords of the raw examples.
      workers: how many share the split.
      worker: which of them reads, from 0.

    Raises:
      InvalidData: there is nothing for this worker.
    """
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    gzipped = bool(files) and files[0].endswith(".gz")
    by_file = len(files) % workers == 0
    records = tf.data.TFRecordDataset(
        files[worker::workers] if by_file else files, compression_type="GZIP" if gzipped else ""
    )
    if not by_file:
        records = records.shard(workers, worker)
    parts, digest = [], hashlib.sha256()
    for part in records.batch(_RECORDS_AT_A_TIME):
        parts.append(part)
        # A hash of hashes: TensorFlow's takes a fraction of the time that reading takes.
        digest.update(tf.strings.to_hash_bucket_fast(part, 2**63 - 1).numpy().tobytes())
    if not parts:
        raise InvalidData(f"{', '.join(patterns)} hold no images for worker {worker} of {workers}.")
    with tf.device("CPU"):
        return Records(tf.concat(parts, axis=0), digest.hexdigest())


@dataclass(frozen=True)
class TrainingBatches:
    """Shuffled, augmented batches: each is a function of the seed and its number alone.

    So a run that goes on after an interruption sees what it would have seen without one.

    Attributes:
      records: the training split.
      batch_size: images a batch; the last one of an epoch may have fewer.
      seed: of the order and of the augmentation.
      augmentation: applied here and nowhere else: validation and serving see plain images.
      evidence: float32 [N, features] in stored order, what a fixed part of the model has made of
        the images; None leaves that to the model.
    """

    records: Records
    transform: tft.TFTransformOutput
    classes: int
    batch_size: int
    seed: int
    augmentation: Augmentation
    evidence: tf.Tensor | None = field(default=None, kw_only=True)

    @property
    def images(self) -> int:
        """Images an epoch."""
        return self.records.images

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return -(-self.images // self.batch_size)

    def epochs(self, first: int, last: int) -> tf.data.Dataset:
        """Return the batches of the epochs from `first` up to, not including, `last`.

        Yields (image float32 [B, H, W, 1], one-hot label float32 [B, classes]); with evidence,
        `image` and `evidence` by their names in the place of the image.
        """
        return self._numbered(first * self.steps, last * self.steps)

    def _numbered(self, first: int, last: int) -> tf.data.Dataset:
        """The batches from number `first` up to, not including, `last`."""
        decode = decoder(self.transform, self.classes)

        def batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            members = self._members(number)
            images, labels = decode(tf.gather(self.records.serialised, members))
            seed = tf.stack([self.seed, self._augmentation_number(number)])
            images = self.augmentation(images, seed)
            if self.evidence is None:
                return images, labels
            return _inputs(images, tf.gather(self.evidence, members)), labels

        numbers = tf.data.Dataset.range(first, last)
        return numbers.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(
            tf.data.AUTOTUNE
        )

    def labels(self) -> np.ndarray:
        """Return the label of every image, int [N], in stored order."""
        spec = {example_features.LABEL: self.transform.raw_feature_spec()[example_features.LABEL]}
        parsed = tf.io.parse_example(self.records.serialised, spec)
        return parsed[example_features.LABEL].numpy().ravel()

    def _augmentation_number(self, number: tf.Tensor) -> tf.Tensor:
        """What the augmentation of a batch is drawn by, besides the seed."""
        return number

    def _members(self, step: tf.Tensor) -> tf.Tensor:
        """Which records a batch holds, int64 [B].

        An epoch's order is a permutation that is known without being made, one index at a time
        (a block cipher on the indices), so that no earlier epoch has to be run through.
        """
        epoch, number = step // self.steps, step % self.steps
        first = number * self.batch_size
        places = tf.range(first, tf.minimum(first + self.batch_size, self.images))
        key = tf.stack([tf.constant(self.seed, tf.int64), epoch])
        return tf.random.experimental.index_shuffle(
            places, tf.cast(key, tf.int32), tf.constant(self.images - 1, tf.int64)
        )


@dataclass(frozen=True)
class ValidationBatches:
    """A split once, in stored order, unchanged.

    Attributes:
      records: the split.
      dataset: (image float32 [B, H, W, 1], one-hot label float32 [B, classes]); with evidence,
        `image` and `evidence` by their names in the place of the image.
      images: in the split, over all workers.
      steps: batches of `dataset` on each replica; None for all there are.
    """

    records: Records
    dataset: tf.data.Dataset
    images: int
    steps: int | None = None


def validation_batches(
    records: Records,
    transform: tft.TFTransformOutput,
    classes: int,
    batch_size: int,
    evidence: tf.Tensor | None = None,
) -> ValidationBatches:
    """Return the batches of a split.

    Args:
      records: the split.
      transform: output of the Transform step.
      classes: number of classes.
      batch_size: images a batch.
      evidence: as of TrainingBatches.
    """
    decode = decoder(transform, classes)

    def batch(serialised, evidence=None):
        images, labels = decode(serialised)
        return _inputs(images, evidence), labels

    columns = (records.serialised,) if evidence is None else (records.serialised, evidence)
    batches = tf.data.Dataset.from_tensor_slices(columns).batch(batch_size)
    dataset = batches.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return ValidationBatches(records, dataset.prefetch(tf.data.AUTOTUNE), records.images)


def spectrograms(inputs: tf.Tensor | dict[str, tf.Tensor]) -> tf.Tensor:
    """Return the images, float32 [B, H, W, 1], of a batch with or without evidence."""
    return inputs["image"] if isinstance(inputs, dict) else inputs


def _inputs(images: tf.Tensor, evidence: tf.Tensor | None):
    return images if evidence is None else {"image": images, "evidence": evidence}


def decoder(transform: tft.TFTransformOutput, classes: int):
    """Return the function from serialised examples, string [N], to images and one-hot labels."""
    needed = (example_features.IMAGE, example_features.LABEL)
    spec = {name: transform.raw_feature_spec()[name] for name in needed}
    normalise = transform.transform_features_layer()

    def decode(serialised: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = normalise(tf.io.parse_example(serialised, spec))
        return (
            features[example_features.IMAGE],
            tf.one_hot(features[example_features.LABEL], classes),
        )

    return decode
