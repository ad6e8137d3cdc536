"""Reads training and validation batches through the Transform graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from data import example_features
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.records import UNTUNED, Records
from trainer.settings import Settings

# AutoGraph would rewrite every function of Keras and TFX that is called from here, which takes
# seconds. None has a condition or a loop that depends on a tensor.
_without_autograph = tf.autograph.experimental.do_not_convert

# A fixed number of batches, so that memory does not grow with the length of a run. TensorFlow's own
# choice does.
_BATCHES_AHEAD = 4

ModelInputs: TypeAlias = "tf.Tensor | dict[str, tf.Tensor]"
"""Images, float32 [B, H, W, 1]; with a precomputed layer, `image` and its output, `evidence`."""


@dataclass(frozen=True)
class TrainingBatches:
    """Shuffled, augmented batches. Each depends only on the seed and its own number.

    A run that resumes after an interruption therefore sees the same batches as any other run.

    Attributes:
      records: the training split.
      transform: output of the Transform step.
      classes: number of classes.
      batch_size: images per batch; the last batch of an epoch may be smaller.
      seed: determines the order and the augmentation.
      augmentation: applied to training images only, not in validation or serving.
      evidence: float32 [N, features] in stored order, the output of a precomputed layer; None
        leaves this layer to the model.
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
        """Images per epoch."""
        return self.records.images

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return -(-self.images // self.batch_size)

    def read_epochs(self, first: int, end: int) -> tf.data.Dataset:
        """Return the batches of the epochs from `first` up to, but not including, `end`.

        Yields `ModelInputs` and one-hot labels, float32 [B, classes].
        """
        return self._read_batches(first * self.steps, end * self.steps)

    def _read_batches(self, first: int, end: int) -> tf.data.Dataset:
        """Return the batches from number `first` up to, but not including, `end`."""
        decode = make_decoder(self.transform, self.classes)

        @_without_autograph
        def read_batch(number: tf.Tensor) -> tuple[ModelInputs, tf.Tensor]:
            members = self._choose_records(number)
            images, labels = decode(self.records.read(members))
            seed = tf.stack([self.seed, self._augmentation_number(number)])
            images = self.augmentation(images, seed)
            if self.evidence is None:
                return images, labels
            return {"image": images, "evidence": tf.gather(self.evidence, members)}, labels

        return read_ahead(tf.data.Dataset.range(first, end), read_batch)

    def read_labels(self) -> npt.NDArray[np.int64]:
        """Return the label of every image, int [N], in stored order."""
        return self.records.read_labels()

    def _augmentation_number(self, number: tf.Tensor) -> tf.Tensor:
        """Return the number that, with the seed, determines the augmentation of a batch."""
        return number

    def _choose_records(self, number: tf.Tensor) -> tf.Tensor:
        """Return the indices of the records in a batch, int64 [B].

        The order of an epoch is a keyed permutation, a block cipher on the indices. It gives each
        index without computing the others, so no earlier epoch needs to be replayed.
        """
        epoch, step = number // self.steps, number % self.steps
        first = step * self.batch_size
        positions = tf.range(first, tf.minimum(first + self.batch_size, self.images))
        key = tf.stack([tf.constant(self.seed, tf.int64), epoch])
        return tf.random.experimental.index_shuffle(
            positions, tf.cast(key, tf.int32), tf.constant(self.images - 1, tf.int64)
        )


@dataclass(frozen=True)
class ValidationBatches:
    """One pass over a split, in stored order, without augmentation.

    Attributes:
      records: the split.
      dataset: yields `ModelInputs` and one-hot labels, float32 [B, classes].
      images: images of the split, over all workers.
      steps: batches of `dataset` on each replica; None for all batches.
    """

    records: Records
    dataset: tf.data.Dataset
    images: int
    steps: int | None = None


def read_validation_batches(
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
      batch_size: images per batch.
      evidence: as in `TrainingBatches`.
    """
    decode = make_decoder(transform, classes)

    @_without_autograph
    def read_batch(members: tf.Tensor) -> tuple[ModelInputs, tf.Tensor]:
        images, labels = decode(records.read(members))
        if evidence is None:
            return images, labels
        return {"image": images, "evidence": tf.gather(evidence, members)}, labels

    members = tf.data.Dataset.range(records.images).batch(batch_size)
    return ValidationBatches(records, read_ahead(members, read_batch), records.images)


def read_batches(
    train: Records, validation: Records, transform: tft.TFTransformOutput, settings: Settings
) -> tuple[TrainingBatches, ValidationBatches]:
    """Return the training and the validation batches of a run on one device.

    Args:
      train: the training split.
      validation: the validation split.
      transform: output of the Transform step.
      settings: settings of the run.
    """
    classes, batch_size = len(settings.classes), settings.batch_size
    augmentation = Augmentation(**settings.augment.set_values)
    return (
        TrainingBatches(train, transform, classes, batch_size, settings.seed, augmentation),
        read_validation_batches(validation, transform, classes, batch_size),
    )


def map_on_all_cores(dataset: tf.data.Dataset, function: Callable[..., Any]) -> tf.data.Dataset:
    """Apply a function to each element of a dataset, as many at a time as there are cores."""
    # Without tuning, this is what AUTOTUNE means.
    mapped = dataset.map(function, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return mapped.with_options(UNTUNED)


def read_ahead(numbers: tf.data.Dataset, read_batch: Callable[..., Any]) -> tf.data.Dataset:
    """Return what `read_batch` reads for each number, while the batches before it are used."""
    return map_on_all_cores(numbers, read_batch).prefetch(_BATCHES_AHEAD)


def get_images(inputs: ModelInputs) -> tf.Tensor:
    """Return the images, float32 [B, H, W, 1], of a batch."""
    return inputs["image"] if isinstance(inputs, dict) else inputs


def make_decoder(
    transform: tft.TFTransformOutput, classes: int
) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Return the function from serialised examples, string [N], to images and one-hot labels."""
    names = (example_features.IMAGE, example_features.LABEL)
    spec = {name: transform.raw_feature_spec()[name] for name in names}
    normalise = transform.transform_features_layer()

    def decode(serialised: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = normalise(tf.io.parse_example(serialised, spec))
        return (
            features[example_features.IMAGE],
            tf.one_hot(features[example_features.LABEL], classes),
        )

    return decode
