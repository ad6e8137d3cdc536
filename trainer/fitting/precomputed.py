"""Computes the output of a layer without weights once, instead of in every epoch."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from trainer.inputs.batches import (
    TrainingBatches,
    ValidationBatches,
    map_on_all_cores,
    read_validation_batches,
)
from trainer.inputs.records import Records
from trainer.settings import Settings
from trainer.watching.epoch_log import SECONDS_BETWEEN_UPDATES, logger

# So many images, and what the search computes from them, fit into a processor's cache.
_IMAGES_PER_BATCH = 32
# Without the search, validation takes less time in larger batches than those of training.
_VALIDATION_PIXELS = 1 << 21


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
    train_evidence, seconds, validation_evidence = _compute(layer, train, validation.records)
    return TrainingSetup(
        model.get_layer(recipe.rest),
        model,
        dataclasses.replace(train, evidence=train_evidence),
        read_validation_batches(
            validation.records,
            train.transform,
            train.classes,
            max(train.batch_size, _VALIDATION_PIXELS // (settings.height * settings.width)),
            validation_evidence,
        ),
        validation_evidence,
        seconds,
    )


def _compute(
    layer: keras.layers.Layer, train: TrainingBatches, validation: Records
) -> tuple[tf.Tensor, float, tf.Tensor]:
    """Return the layer's output for each training image, the time it took, and for validation.

    The outputs are float32 [N, features], in stored order.
    """
    started = last_update = time.perf_counter()
    # One dataset for both splits, because it takes seconds until the first batch is there.
    first, second = (
        read_validation_batches(records, train.transform, train.classes, _IMAGES_PER_BATCH).dataset
        for records in (train.records, validation)
    )
    compute = tf.autograph.experimental.do_not_convert(
        lambda images, _labels: layer(images, training=False)
    )
    # Several batches at a time, because most operations run on one core.
    outputs = map_on_all_cores(first.concatenate(second), compute)
    evidence = np.empty((train.images + validation.images, layer.output.shape[1]), np.float32)
    images_done, train_seconds = 0, 0.0
    for output in outputs:
        evidence[images_done : images_done + len(output)] = output
        images_done += len(output)
        now = time.perf_counter()
        if images_done == train.images:
            train_seconds = now - started
        if now - last_update > SECONDS_BETWEEN_UPDATES:
            last_update = now
            logger.debug(
                "searching the images for lines, %.0f %%",
                100 * images_done / len(evidence),
                extra={"transient": True},
            )
    of_train, of_validation = np.split(evidence, [train.images])
    return tf.constant(of_train), train_seconds, tf.constant(of_validation)
