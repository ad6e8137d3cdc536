"""What each worker reads: its own share of the records, in batches of one replica.

`batch_size` is that of all replicas together, so a step, and the learning rate of each, mean the
same however many there are. All workers take the same number of steps, because one that stopped
before the others would leave them waiting.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from data.invalid import InvalidData
from trainer.distributed.strategy import Distribution
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.batches import (
    Records,
    TrainingBatches,
    ValidationBatches,
    decoder,
    read_records,
)

# Of a record fingerprint, what fits into the whole numbers that workers exchange.
_HEXADECIMAL_DIGITS = 15


@dataclass(frozen=True)
class Share:
    """A worker's records, and what it knows of those of the others.

    Attributes:
      records: its own. The fingerprint is of the shares of all, the same on every worker.
      counts: number of records of each worker.
    """

    records: Records
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Number of records of all workers together."""
        return sum(self.counts)


def read_share(patterns: list[str], distribution: Distribution) -> Share:
    """Read this worker's share of a split; all workers have to call it.

    Args:
      patterns: file patterns of TFRecords of the raw examples.
      distribution: which worker this is.
    """
    records = read_records(patterns, distribution.workers, distribution.worker)
    own = int(records.fingerprint[:_HEXADECIMAL_DIGITS], 16)
    exchanged = distribution.of_all_workers(np.array([records.images, own]))
    digest = hashlib.sha256(f"{distribution.replicas} {exchanged.tolist()}".encode())
    return Share(
        dataclasses.replace(records, fingerprint=digest.hexdigest()),
        tuple(exchanged[:, 0].tolist()),
    )


@dataclass(frozen=True)
class SharedTrainingBatches(TrainingBatches):
    """The training batches of one worker, one for each of its replicas in turn.

    All batches are of one size, so that the mean of each counts the same. An epoch that is longer
    than the share goes on with the first of it, a shorter one leaves out the last.

    Attributes:
      batch_size: images a step, over all replicas.
      share: which `records` are of.
      distribution: the replicas.
      label_counts: images of each class over all workers.
    """

    share: Share
    distribution: Distribution
    label_counts: tuple[int, ...]

    @property
    def images(self) -> int:
        """Images an epoch, over all workers."""
        return self.share.total

    def epochs(self, first: int, last: int) -> tf.data.Dataset:
        """Return the batches of the epochs from `first` up to, not including, `last`."""
        batches = self.steps * self.distribution.local_replicas
        return self._numbered(first * batches, last * batches)

    def labels(self) -> np.ndarray:
        """Return the label of every image of all workers, int [N], in no meaningful order."""
        return np.repeat(np.arange(self.classes), self.label_counts)

    def _members(self, number: tf.Tensor) -> tf.Tensor:
        distribution = self.distribution
        batches = self.steps * distribution.local_replicas
        size, images = self.batch_size // distribution.replicas, self.records.images
        places = (number % batches) * size + tf.range(size, dtype=tf.int64)
        epoch = number // batches
        key = tf.stack([self.seed, epoch * distribution.workers + distribution.worker])
        return tf.random.experimental.index_shuffle(
            places % images, tf.cast(key, tf.int32), tf.constant(images - 1, tf.int64)
        )

    def _augmentation_number(self, number: tf.Tensor) -> tf.Tensor:
        # Another one than that of any other worker's batch.
        return number * self.distribution.workers + self.distribution.worker


def shared_training_batches(
    patterns: list[str],
    transform: tft.TFTransformOutput,
    classes: int,
    batch_size: int,
    seed: int,
    augmentation: Augmentation,
    distribution: Distribution,
) -> SharedTrainingBatches:
    """Return this worker's training batches; all workers have to call it.

    Raises:
      InvalidData: the batch cannot be divided evenly among the replicas, or there are fewer
        records than workers.
    """
    if batch_size % distribution.replicas:
        raise InvalidData(
            f"batch_size: {batch_size} images a step cannot be divided evenly among "
            f"{distribution.replicas} replicas. Choose a multiple of {distribution.replicas}."
        )
    share = read_share(patterns, distribution)
    own = TrainingBatches(share.records, transform, classes, batch_size, seed, augmentation)
    counts = distribution.of_all_workers(np.bincount(own.labels(), minlength=classes))
    return SharedTrainingBatches(
        share.records,
        transform,
        classes,
        batch_size,
        seed,
        augmentation,
        share,
        distribution,
        tuple(counts.sum(axis=0).tolist()),
    )


def shared_validation_batches(
    patterns: list[str],
    transform: tft.TFTransformOutput,
    classes: int,
    batch_size: int,
    distribution: Distribution,
) -> ValidationBatches:
    """Return this worker's validation batches; all workers have to call it.

    Each has the same number, none of them empty and each image once, so they are of sizes that
    differ by one. Metrics sum up over images, so sizes do not matter.

    Raises:
      InvalidData: there are fewer images than replicas.
    """
    share = read_share(patterns, distribution)
    smallest, replicas = min(share.counts), distribution.local_replicas
    if smallest < replicas:
        raise InvalidData(
            f"{share.total} validation images are too few for {distribution.replicas} replicas."
        )
    steps = min(smallest // replicas, -(-share.total // batch_size))
    batches, images = steps * replicas, share.records.images
    decode = decoder(transform, classes)

    def batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        first, end = number * images // batches, (number + 1) * images // batches
        return decode(share.records.serialised[first:end])

    dataset = tf.data.Dataset.range(batches).map(
        batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return ValidationBatches(share.records, dataset.prefetch(tf.data.AUTOTUNE), share.total, steps)
