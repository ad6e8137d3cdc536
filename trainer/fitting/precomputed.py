"""Computes the output of a layer without weights once, instead of in every epoch."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow as tf

from trainer.inputs.batches import (
    TrainingBatches,
    ValidationBatches,
    read_validation_batches,
)
from trainer.inputs.records import Records
from trainer.settings import Settings
from trainer.watching.epoch_log import SECONDS_BETWEEN_UPDATES, logger

# So many images, and what the search computes from them, fit into a processor's cache.
_IMAGES_PER_BATCH = 32


@dataclass(frozen=True)
class TrainingSetup:
    """The model that `trainer.fitting.fitting.fit` fits, and its batches.

    Attributes:
      model: the whole model, or its layer that holds all its weights.
      whole_model: the model from images to probabilities.
      train: training batches with the inputs of `model`.
      validation: validation batches with the inputs of `model`.
      validation_evidence: float32 [N, features], the output of the precomputed layer for each
        validation image; None if nothing is precomputed.
      seconds: time already spent on the training images.
    """

    model: keras.Model
    whole_model: keras.Model
    train: TrainingBatches
    validation: ValidationBatches
    validation_evidence: tf.Tensor | None = None
    seconds: float = 0.0


def precompute(
    model: keras.Model, settings: Settings, train: TrainingBatches, validation: ValidationBatches
) -> TrainingSetup:
    """Compute the output of a model's precomputed layer for every image, if that is possible.

    Nothing is computed if the recipe names no such layer, or if an augmentation changes the output.

    Args:
      model: a built model.
      settings: settings of the run.
      train: training batches of images.
      validation: validation batches of images.
    """
    recipe = settings.recipe.precomputed_layer
    active = {name for name, value in settings.augment.set_values.items() if value}
    if (
        recipe is None
        or not active <= recipe.unchanged_by
        or recipe.name not in {layer.name for layer in model.layers}
    ):
        return TrainingSetup(model, model, train, validation)
    layer = model.get_layer(recipe.name)
    started = time.perf_counter()
    # One function for batches of any size, because tracing the layer takes seconds.
    compute = tf.function(
        lambda images: layer(images, training=False),
        input_signature=[tf.TensorSpec(layer.input_shape)],
        autograph=False,
    )
    train_evidence = _apply(compute, train, train.records, "training")
    seconds = time.perf_counter() - started
    validation_evidence = _apply(compute, train, validation.records, "validation")
    return TrainingSetup(
        model.get_layer(recipe.rest),
        model,
        dataclasses.replace(train, evidence=train_evidence),
        read_validation_batches(
            validation.records,
            train.transform,
            train.classes,
            train.batch_size,
            validation_evidence,
        ),
        validation_evidence,
        seconds,
    )


def _apply(
    compute: Callable[[tf.Tensor], tf.Tensor], train: TrainingBatches, records: Records, split: str
) -> tf.Tensor:
    """Return the layer's output for each image of a split: float32 [N, features], in order."""
    batches = read_validation_batches(records, train.transform, train.classes, _IMAGES_PER_BATCH)
    # Several batches at a time, because most operations run on one core.
    results = batches.dataset.map(
        lambda images, _labels: compute(images), num_parallel_calls=tf.data.AUTOTUNE
    )
    outputs, images_done, last_update = [], 0, time.perf_counter()
    for output in results:
        outputs.append(output)
        images_done += len(output)
        now = time.perf_counter()
        if now - last_update > SECONDS_BETWEEN_UPDATES:
            last_update = now
            logger.debug(
                "searching the %s images for lines, %.0f %%",
                split,
                100 * images_done / records.images,
                extra={"transient": True},
            )
    return tf.concat(outputs, axis=0)
