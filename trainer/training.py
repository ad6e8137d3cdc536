"""`run_fn` of the Trainer step."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.augmentation import Augmentation
from trainer.calibration import calibrate, predict
from trainer.checkpoints import TrainingState, checkpoints_of
from trainer.compiling import build_model, compile_model
from trainer.export import export
from trainer.fitting import fit
from trainer.input import TrainingBatches, read_records, validation_batches
from trainer.model_run import TRAINING_FACTS
from trainer.progress import logger
from trainer.settings import Settings, resolve
from trainer.starting_weights import Start, load_starting_weights


def run_fn(fn_args: FnArgs) -> None:
    """Train, keep the weights of the best epoch on validation, and export that model.

    Args:
      fn_args: TFX's arguments; `custom_config` is what `trainer.settings.resolve` takes.

    Raises:
      InvalidData: weights to start from do not fit the model, or the optimiser lacks a setting.
    """
    started = time.perf_counter()
    settings = resolve(fn_args.custom_config)
    make_repeatable(settings.seed)

    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    classes = len(settings.classes)
    train = TrainingBatches(
        read_records(fn_args.train_files),
        transform,
        classes,
        settings.batch_size,
        settings.seed,
        Augmentation(**settings.augment),
    )
    validation = validation_batches(
        read_records(fn_args.eval_files), transform, classes, settings.batch_size
    )

    model = build_model(settings)
    start = load_starting_weights(model, settings)
    compile_model(model, settings, train.steps)
    logger.info(
        "%s, %s parameters; %s training and %s validation images; %d epochs of %d steps",
        model.name,
        f"{model.count_params():,}",
        f"{train.images:,}",
        f"{validation.images:,}",
        settings.epochs,
        train.steps,
    )

    checkpoints = checkpoints_of(
        settings,
        [train.records.fingerprint, validation.records.fingerprint],
        fn_args.transform_graph_path,
        start.identity,
    )
    state = fit(
        model, train, validation, settings, fn_args.model_run_dir, checkpoints, started=started
    )

    best_epoch = state.best_epoch(settings.keep_best)
    logger.info("exporting the weights of epoch %d, the best on validation", best_epoch)
    calibration = calibrate(*predict(model, validation.dataset), settings.calibrate)
    facts = {
        **training_facts(settings, state, start),
        "calibration": calibration,
        "parameters": model.count_params(),
        "train_images": train.images,
        "validation_images": validation.images,
        "seconds": state.seconds_before + time.perf_counter() - started,
    }
    export(
        model,
        transform,
        settings.classes,
        settings.height,
        settings.width,
        fn_args.serving_model_dir,
        facts={"training": facts},
        temperature=calibration["temperature"],
    )
    with tf.io.gfile.GFile(os.path.join(fn_args.model_run_dir, TRAINING_FACTS), "w") as file:
        json.dump(facts, file, indent=2)
    if checkpoints:
        checkpoints.remove()


def make_repeatable(seed: int) -> None:
    """Let the seed alone decide everything random in this process."""
    keras.utils.set_random_seed(seed)
    # The order of additions in parallel kernels would otherwise change the last bits, and a
    # repeated run would end with other weights.
    tf.config.experimental.enable_op_determinism()


def training_facts(settings: Settings, state: TrainingState, start: Start) -> dict[str, Any]:
    """What is to be known of how a model was trained.

    `images_per_second` is over the training batches of every epoch, whichever process trained
    it; of epochs that a kill cut short, nothing counts.
    """
    return {
        "model": settings.model,
        "epochs": state.epochs,
        "best_epoch": state.best_epoch(settings.keep_best),
        "keep_best": settings.keep_best,
        "batch_size": settings.batch_size,
        "seed": settings.seed,
        "schedule": settings.schedule,
        "augment": settings.augment,
        "optimizer": settings.optimizer,
        "label_smoothing": settings.label_smoothing,
        "class_weights": settings.class_weights,
        "mixed_precision": settings.mixed_precision,
        "started_from": dataclasses.asdict(start),
        "resumed_after_epochs": state.resumed_after,
        "images_per_second": state.images / state.training_seconds,
    }
