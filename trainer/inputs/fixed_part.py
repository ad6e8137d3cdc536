"""Computes once, instead of in every epoch, what a model has that learns nothing."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import keras
import tensorflow as tf

from trainer.inputs.batches import Records, TrainingBatches, ValidationBatches, validation_batches
from trainer.settings import Settings
from trainer.watching.epoch_log import logger

_IMAGES_AT_A_TIME = 64
_SECONDS_BETWEEN_SIGNS_OF_LIFE = 0.25


@dataclass(frozen=True)
class Task:
    """What `trainer.fitting.fitting.fit` is to fit, and on what.

    Attributes:
      model: the model, or the part of it that learns. Its weights are those of `whole`.
      whole: the model from images to probabilities.
      train, validation: batches of what `model` takes.
      seconds: spent on the training images already.
    """

    model: keras.Model
    whole: keras.Model
    train: TrainingBatches
    validation: ValidationBatches
    seconds: float = 0.0


def computed_once(
    model: keras.Model, settings: Settings, train: TrainingBatches, validation: ValidationBatches
) -> Task:
    """Compute a model's fixed part for every image, if its recipe names one and training allows.

    It does not where the augmentation changes images in ways that the part would see.

    Args:
      model: built.
      settings: of this run.
      train, validation: batches of images, in memory on this machine.
    """
    fixed = settings.recipe.fixed_part
    changes = {name for name, value in settings.augment.set_values.items() if value}
    if (
        fixed is None
        or not changes <= fixed.unchanged_by
        or fixed.name not in {layer.name for layer in model.layers}
    ):
        return Task(model, model, train, validation)
    part = model.get_layer(fixed.name)
    started = time.perf_counter()
    of_training = _of_all(part, train, train.records, "training")
    seconds = time.perf_counter() - started
    of_validation = _of_all(part, train, validation.records, "validation")
    return Task(
        model.get_layer(fixed.rest),
        model,
        dataclasses.replace(train, evidence=of_training),
        validation_batches(
            validation.records, train.transform, train.classes, train.batch_size, of_validation
        ),
        seconds,
    )


def _of_all(part: keras.Model, like: TrainingBatches, records: Records, split: str) -> tf.Tensor:
    """What the part makes of each image of a split: float32 [N, features], in stored order."""
    compute = tf.function(lambda images: part(images, training=False), reduce_retracing=True)
    batches = validation_batches(records, like.transform, like.classes, _IMAGES_AT_A_TIME)
    found, done, last_sign = [], 0, time.perf_counter()
    for images, _ in batches.dataset:
        found.append(compute(images))
        done += len(images)
        now = time.perf_counter()
        if now - last_sign > _SECONDS_BETWEEN_SIGNS_OF_LIFE:
            last_sign = now
            logger.debug(
                "searching the %s images for lines, %.0f %%",
                split,
                100 * done / records.images,
                extra={"transient": True},
            )
    return tf.concat(found, axis=0)
