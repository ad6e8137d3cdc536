"""Reads each worker's shard of the records, in batches for one replica.

`batch_size` counts the images of all replicas together. A step, and its learning rate, therefore
mean the same for any number of replicas. All workers take the same number of steps: a worker that
stopped early would leave the others waiting.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from data.invalid import InvalidData
from trainer.distributed.strategy import Distribution
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.batches import (
    TrainingBatches,
    ValidationBatches,
    make_decoder,
    read_ahead,
)
from trainer.inputs.records import Records, read_records
from trainer.settings import Settings

# Digits of a record fingerprint that fit into the int64 values that workers exchange.
_HEXADECIMAL_DIGITS = 15


@dataclass(frozen=True)
class Shard:
    """A worker's records, and the number of records of every worker.

    Attributes:
      records: the worker's own records. Their fingerprint covers the shards of all workers, and is
        the same on each of them.
      counts: number of records of each worker.
    """

    records: Records
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Number of records of all workers together."""
        return sum(self.counts)


def read_shard(patterns: list[str], distribution: Distribution) -> Shard:
    """Read this worker's shard of a split. All workers must call this function.

    Args:
      patterns: file patterns of TFRecords of the raw examples.
      distribution: the devices of the run, seen from this worker.
    """
    records = read_records(patterns, distribution.workers, distribution.worker)
    fingerprint = int(records.fingerprint[:_HEXADECIMAL_DIGITS], 16)
    exchanged = distribution.exchange([records.images, fingerprint])
    digest = hashlib.sha256(f"{distribution.replicas} {exchanged.tolist()}".encode())
    return Shard(
        dataclasses.replace(records, fingerprint=digest.hexdigest()),
        tuple(exchanged[:, 0].tolist()),
    )


@dataclass(frozen=True)
class ShardedTrainingBatches(TrainingBatches):
    """The training batches of one worker, for each of its replicas in turn.

    All batches have the same size, so the mean of each has the same weight. If an epoch is longer
    than the shard, it continues with the first records of the shard. If it is shorter, it leaves
    out the last records.

    Attributes:
      batch_size: images per step, over all replicas.
      shard: the shard that `records` come from.
      distribution: the devices of the run, seen from this worker.
      label_counts: number of images of each class, over all workers.
    """

    shard: Shard
    distribution: Distribution
    label_counts: tuple[int, ...]

    @property
    def images(self) -> int:
        """Images per epoch, over all workers."""
        return self.shard.total

    def read_epochs(self, first: int, end: int) -> tf.data.Dataset:
        """Return the batches of the epochs from `first` up to, but not including, `end`."""
        batches = self.steps * self.distribution.local_replicas
        return self._read_batches(first * batches, end * batches)

    def read_labels(self) -> npt.NDArray[np.int64]:
        """Return the label of every image of all workers, int [N], in no meaningful order."""
        return np.repeat(np.arange(self.classes), self.label_counts)

    def _choose_records(self, number: tf.Tensor) -> tf.Tensor:
        distribution = self.distribution
        batches = self.steps * distribution.local_replicas
        size, images = self.batch_size // distribution.replicas, self.records.images
        positions = (number % batches) * size + tf.range(size, dtype=tf.int64)
        epoch = number // batches
        key = tf.stack([self.seed, epoch * distribution.workers + distribution.worker])
        return tf.random.experimental.index_shuffle(
            positions % images, tf.cast(key, tf.int32), tf.constant(images - 1, tf.int64)
        )

    def _augmentation_number(self, number: tf.Tensor) -> tf.Tensor:
        # The number must differ from those of all other workers' batches.
        return number * self.distribution.workers + self.distribution.worker


def read_sharded_batches(
    train_patterns: list[str],
    validation_patterns: list[str],
    transform: tft.TFTransformOutput,
    settings: Settings,
    distribution: Distribution,
) -> tuple[ShardedTrainingBatches, ValidationBatches]:
    """Return this worker's training and validation batches. All workers must call this function.

    Args:
      train_patterns: file patterns of TFRecords of the training split.
      validation_patterns: file patterns of TFRecords of the validation split.
      transform: output of the Transform step.
      settings: settings of the run.
      distribution: the devices of the run, seen from this worker.

    Raises:
      InvalidData: the batch cannot be divided evenly among the replicas, or a split has too few
        records.
    """
    return (
        _read_training_batches(train_patterns, transform, settings, distribution),
        _read_validation_batches(validation_patterns, transform, settings, distribution),
    )


def _read_training_batches(
    patterns: list[str],
    transform: tft.TFTransformOutput,
    settings: Settings,
    distribution: Distribution,
) -> ShardedTrainingBatches:
    classes, batch_size = len(settings.classes), settings.batch_size
    if batch_size % distribution.replicas:
        raise InvalidData(
            f"batch_size: {batch_size} images a step cannot be divided evenly among "
            f"{distribution.replicas} replicas. Choose a multiple of {distribution.replicas}."
        )
    shard = read_shard(patterns, distribution)
    augmentation = Augmentation(**settings.augment.set_values)
    common = (shard.records, transform, classes, batch_size, settings.seed, augmentation)
    labels = TrainingBatches(*common).read_labels()
    counts = distribution.exchange(np.bincount(labels, minlength=classes)).sum(axis=0)
    return ShardedTrainingBatches(*common, shard, distribution, tuple(counts.tolist()))


def _read_validation_batches(
    patterns: list[str],
    transform: tft.TFTransformOutput,
    settings: Settings,
    distribution: Distribution,
) -> ValidationBatches:
    """Return this worker's validation batches.

    All workers have the same number of batches. No batch is empty, and each image occurs once, so
    batch sizes differ by one. Metrics sum over images, so the sizes do not matter.
    """
    shard = read_shard(patterns, distribution)
    smallest, replicas = min(shard.counts), distribution.local_replicas
    if smallest < replicas:
        raise InvalidData(
            f"{shard.total} validation images are too few for {distribution.replicas} replicas."
        )
    steps = min(smallest // replicas, -(-shard.total // settings.batch_size))
    batches, images = steps * replicas, shard.records.images
    decode = make_decoder(transform, len(settings.classes))

    def read_batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        first, end = number * images // batches, (number + 1) * images // batches
        return decode(shard.records.read(tf.range(first, end)))

    dataset = read_ahead(tf.data.Dataset.range(batches), read_batch)
    return ValidationBatches(shard.records, dataset, shard.total, steps)
