"""Prepares a training run: random seed, batches, model, starting weights and checkpoints."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from trainer.fitting.checkpoints import Checkpoints, open_checkpoints
from trainer.fitting.compiling import build_model
from trainer.fitting.starting_weights import Start, load_starting_weights
from trainer.inputs.batches import TrainingBatches, ValidationBatches
from trainer.settings import Settings


@dataclass(frozen=True)
class PreparedRun:
    """A model with its starting weights, and everything else that a training run needs.

    Attributes:
      settings: settings of the run.
      train: training batches of images.
      validation: validation batches of images.
      model: maps images to probabilities; not compiled.
      start: where the weights of `model` come from.
      checkpoints: checkpoints of this run; None if it keeps none.
    """

    settings: Settings
    train: TrainingBatches
    validation: ValidationBatches
    model: keras.Model
    start: Start
    checkpoints: Checkpoints | None


def prepare_run(
    settings: Settings,
    transform_dir: str,
    read: Callable[[tft.TFTransformOutput], tuple[TrainingBatches, ValidationBatches]],
    scope: contextlib.AbstractContextManager[Any] | None = None,
    is_chief: bool = True,
) -> PreparedRun:
    """Seed the random generators, read the batches and build the model.

    Args:
      settings: settings of the run.
      transform_dir: output of the Transform step.
      read: returns the batches, given this output.
      scope: scope in which to create variables; None for the default.
      is_chief: whether this process writes the checkpoints; other workers only read them.

    Raises:
      InvalidData: the starting weights do not fit the model.
    """
    make_repeatable(settings.seed)
    train, validation = read(tft.TFTransformOutput(transform_dir))
    with scope or contextlib.nullcontext():
        model = build_model(settings)
        start = load_starting_weights(model, settings)
    fingerprints = [train.records.fingerprint, validation.records.fingerprint]
    checkpoints = open_checkpoints(
        settings, fingerprints, transform_dir, start.identity, read_only=not is_chief
    )
    return PreparedRun(settings, train, validation, model, start, checkpoints)


def make_repeatable(seed: int) -> None:
    """Make the seed the only source of randomness in this process."""
    keras.utils.set_random_seed(seed)
    # The order of additions in parallel kernels would otherwise change the last bits, and a
    # repeated run would end with different weights.
    tf.config.experimental.enable_op_determinism()
