"""Training and validation batches, read through the Transform graph."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf
import tensorflow_transform as tft

from data import example_features
from trainer.augmentation import Augmentation

# Ingest has shuffled the whole split already; this keeps epochs different from one another.
_SHUFFLE_BUFFER = 16_384


@dataclass(frozen=True)
class Batches:
    """Batches of one split.

    Attributes:
      dataset: (image float32 [B, H, W, 1], one-hot label float32 [B, classes]).
      images: images in the split.
      steps: batches an epoch.
    """

    dataset: tf.data.Dataset
    images: int
    steps: int


def training_batches(
    patterns: list[str],
    transform: tft.TFTransformOutput,
    classes: int,
    batch_size: int,
    seed: int,
    augmentation: Augmentation,
) -> Batches:
    """Return shuffled, augmented batches without end.

    Args:
      patterns: file patterns of TFRecords of the raw examples.
      transform: output of the Transform step.
      classes: number of classes.
      batch_size: images a batch.
      seed: of shuffling and augmentation; the same seed gives the same batches.
      augmentation: applied here and nowhere else: validation and serving see plain images.
    """
    records = _records(patterns)
    images = int(records.cardinality())
    decode = _decoder(transform, classes)

    def augmented(serialised: tf.Tensor, number: tf.Tensor):
        image, label = decode(serialised)
        return augmentation(image, tf.stack([tf.cast(seed, tf.int64), number])), label

    batches = records.shuffle(
        min(images, _SHUFFLE_BUFFER), seed=seed, reshuffle_each_iteration=True
    ).batch(batch_size)
    dataset = tf.data.Dataset.zip(batches.repeat(), tf.data.Dataset.counter())
    dataset = dataset.map(augmented, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return Batches(dataset.prefetch(tf.data.AUTOTUNE), images, int(batches.cardinality()))


def validation_batches(
    patterns: list[str], transform: tft.TFTransformOutput, classes: int, batch_size: int
) -> Batches:
    """Return the split once, in stored order, unchanged. Arguments as above."""
    records = _records(patterns)
    batches = records.batch(batch_size)
    dataset = batches.map(
        _decoder(transform, classes), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return Batches(
        dataset.prefetch(tf.data.AUTOTUNE), int(records.cardinality()), int(batches.cardinality())
    )


def _records(patterns: list[str]) -> tf.data.Dataset:
    """Serialised examples, held in memory after the first pass: 8 KiB for 64 x 128 pixels.

    Record files do not say how many records they hold, so these are counted once; whatever is
    made of the data set then knows its length, as Keras wants it to.
    """
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    gzipped = bool(files) and files[0].endswith(".gz")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP" if gzipped else "").cache()
    count = records.reduce(tf.constant(0, tf.int64), lambda count, _: count + 1)
    return records.apply(tf.data.experimental.assert_cardinality(count))


def _decoder(transform: tft.TFTransformOutput, classes: int):
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
