"""`run_fn` of the Trainer step."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.distributed.replicated_model import replicated
from trainer.distributed.shares import shared_training_batches, shared_validation_batches
from trainer.distributed.strategy import Distribution, choose, needs_cluster
from trainer.distributed.worker_process import run_worker
from trainer.export.model_run import TENSORBOARD, TRAINING_FACTS
from trainer.export.saved_model import export
from trainer.fitting.checkpoints import TrainingState, checkpoints_of
from trainer.fitting.compiling import build_model, compile_model
from trainer.fitting.fitting import fit
from trainer.fitting.starting_weights import Start, load_starting_weights
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.batches import (
    TrainingBatches,
    ValidationBatches,
    read_records,
    validation_batches,
)
from trainer.inputs.fixed_part import Task, computed_once
from trainer.quality.calibration import calibrate, predict
from trainer.quality.confusion_matrix import ConfusionMatrix
from trainer.settings import Settings, resolve
from trainer.watching.epoch_log import logger
from trainer.watching.tensorboard_log import TensorBoardLog


def run_fn(fn_args: FnArgs) -> None:
    """Train, keep the weights of the best epoch on validation, and export that model.

    As a worker of a cluster that is done by a process of its own, because TensorFlow has to know
    the cluster before anything else, and earlier steps may have used it in this process.

    Args:
      fn_args: TFX's arguments; `custom_config` is what `trainer.settings.resolve` takes.

    Raises:
      InvalidData: weights to start from do not fit the model, the optimiser lacks a setting, or
        the strategy asks for devices that are not there.
    """
    strategy = resolve(fn_args.custom_config).strategy
    if needs_cluster(strategy):
        run_worker(fn_args)
    else:
        train_and_export(fn_args, choose(strategy))


def train_and_export(fn_args: FnArgs, distribution: Distribution) -> None:
    """Do the work of `run_fn` on the given devices.

    Of several workers each calls this with the same arguments. The chief writes everything; the
    others end when it has, and leave nothing.
    """
    if distribution.is_chief:
        _train_and_export(fn_args, distribution, fn_args.model_run_dir)
    else:
        with tempfile.TemporaryDirectory() as folder:
            _train_and_export(fn_args, distribution, folder)
    # A worker that went earlier would be taken for one that died.
    distribution.of_all_workers(np.array(0))


def _train_and_export(fn_args: FnArgs, distribution: Distribution, model_run_dir: str) -> None:
    started = time.perf_counter()
    settings = resolve(fn_args.custom_config, fn_args.hyperparameters)
    make_repeatable(settings.seed)

    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    train, validation = _batches(fn_args, transform, settings, distribution)
    with distribution.scope():
        model = build_model(settings)
        start = load_starting_weights(model, settings)
        if distribution.strategy:
            model = replicated(model)
            # A replicated model makes one step at a time.
            settings = dataclasses.replace(settings, steps_per_execution=1)
    logger.info(
        "%s, %s parameters; %s training and %s validation images; %d epochs of %d steps%s",
        model.name,
        f"{model.count_params():,}",
        f"{train.images:,}",
        f"{validation.images:,}",
        settings.epochs,
        train.steps,
        distribution.in_words,
    )

    if distribution.strategy:
        # Each worker has a share of the images, and computes everything of them in every step.
        task = Task(model, model, train, validation)
    else:
        task = computed_once(model, settings, train, validation)
    confusion_matrix = ConfusionMatrix(len(settings.classes))
    with distribution.scope():
        compile_model(task.model, settings, train.steps, [confusion_matrix])

    checkpoints = checkpoints_of(
        settings,
        [train.records.fingerprint, validation.records.fingerprint],
        fn_args.transform_graph_path,
        start.identity,
        read_only=not distribution.is_chief,
    )
    tensorboard = TensorBoardLog(
        os.path.join(model_run_dir, TENSORBOARD),
        settings.classes,
        confusion_matrix,
        # Replicas hold a share of the images each, and predict together or not at all.
        None if distribution.strategy else task.validation.dataset,
    )
    state = fit(
        task,
        settings,
        model_run_dir,
        checkpoints,
        watching=[tensorboard],
        started=started,
    )
    if not distribution.is_chief:
        return

    best_epoch = state.best_epoch(settings.keep_best)
    logger.info("exporting the weights of epoch %d, the best on validation", best_epoch)
    # Keras has only done this if an epoch was left to train.
    tensorboard.set_model(task.model)
    tensorboard.show_mistakes("misclassified by the exported model", best_epoch)
    # Fresh from its recipe, a model has no optimiser, which would be exported with it and is twice
    # its size; nor what a strategy makes of variables, with which saving needs the other workers.
    exported = build_model(settings)
    exported.set_weights(model.get_weights())
    if distribution.strategy:
        # A worker's share of the images is not the split.
        whole_split = _whole_validation(fn_args, transform, settings)
        task = Task(exported, exported, train, whole_split)
    calibration = calibrate(*predict(task.model, task.validation.dataset), settings.calibrate)
    facts = {
        **training_facts(settings, state, start),
        "workers": distribution.workers,
        "replicas": distribution.replicas,
        "calibration": calibration,
        "parameters": model.count_params(),
        "train_images": train.images,
        "validation_images": validation.images,
        "seconds": state.seconds_before + time.perf_counter() - started,
    }
    export(
        exported,
        transform,
        settings.classes,
        settings.height,
        settings.width,
        fn_args.serving_model_dir,
        facts={"normalise": settings.normalise, "training": facts},
        temperature=calibration["temperature"],
    )
    with tf.io.gfile.GFile(os.path.join(model_run_dir, TRAINING_FACTS), "w") as file:
        json.dump(facts, file, indent=2)
    if checkpoints:
        checkpoints.remove()


def _batches(
    fn_args: FnArgs,
    transform: tft.TFTransformOutput,
    settings: Settings,
    distribution: Distribution,
) -> tuple[TrainingBatches, ValidationBatches]:
    classes, size = len(settings.classes), settings.batch_size
    augmentation = Augmentation(**settings.augment)
    if distribution.strategy:
        return (
            shared_training_batches(
                fn_args.train_files,
                transform,
                classes,
                size,
                settings.seed,
                augmentation,
                distribution,
            ),
            shared_validation_batches(fn_args.eval_files, transform, classes, size, distribution),
        )
    return (
        TrainingBatches(
            read_records(fn_args.train_files),
            transform,
            classes,
            size,
            settings.seed,
            augmentation,
        ),
        _whole_validation(fn_args, transform, settings),
    )


def _whole_validation(
    fn_args: FnArgs, transform: tft.TFTransformOutput, settings: Settings
) -> ValidationBatches:
    records = read_records(fn_args.eval_files)
    return validation_batches(records, transform, len(settings.classes), settings.batch_size)


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
        "tuned": settings.tuned,
        "mixed_precision": settings.mixed_precision,
        "started_from": dataclasses.asdict(start),
        "resumed_after_epochs": state.resumed_after,
        "images_per_second": state.images / state.training_seconds,
    }
