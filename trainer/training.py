"""`run_fn` of the Trainer step: trains a model and exports it."""

from __future__ import annotations

import dataclasses
import functools
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

from data.storage import files
from trainer.distributed.replicated_model import replicate
from trainer.distributed.shards import read_sharded_batches
from trainer.distributed.strategy import Distribution, choose_devices, find_cluster
from trainer.distributed.worker_process import run_worker
from trainer.export.model_run import TENSORBOARD, TRAINING_FACTS
from trainer.export.saved_model import export
from trainer.export.served_probabilities import ServedProbabilities
from trainer.fitting.checkpoints import TrainingState
from trainer.fitting.compiling import build_model, compile_model
from trainer.fitting.fitting import fit
from trainer.fitting.precomputed import TrainingSetup, precompute
from trainer.fitting.preparation import PreparedRun, prepare_run
from trainer.inputs.batches import (
    TrainingBatches,
    ValidationBatches,
    read_batches,
    read_validation_batches,
)
from trainer.inputs.records import read_records
from trainer.quality.calibration import calibrate, classify_batches
from trainer.quality.confusion_matrix import ConfusionMatrix
from trainer.quality.outliers import Outliers, fit_outliers
from trainer.quality.reliability import Probabilities
from trainer.settings import Settings, resolve
from trainer.watching.epoch_log import logger
from trainer.watching.tensorboard_log import TensorBoardLog


def run_fn(fn_args: FnArgs) -> None:
    """Train a model, keep the weights of the best epoch on validation, and export them.

    A worker of a cluster trains in a new process: TensorFlow must know the cluster before it does
    anything else, and earlier steps may have used TensorFlow in this process.

    Args:
      fn_args: TFX's arguments; `custom_config` is what `trainer.settings.resolve` takes.

    Raises:
      InvalidData: the starting weights do not fit the model, the optimiser does not accept a
        setting, or the strategy needs devices that do not exist.
    """
    strategy = resolve(fn_args.custom_config).strategy
    cluster = find_cluster(strategy)
    if cluster:
        run_worker(fn_args, cluster)
    else:
        train_and_export(fn_args, choose_devices(strategy))


def train_and_export(fn_args: FnArgs, distribution: Distribution) -> None:
    """Do the work of `run_fn` on the given devices.

    Every worker calls this function with the same arguments. The chief writes all results. The
    other workers wait for the chief, and leave nothing behind.
    """
    if distribution.is_chief:
        _train_and_export(fn_args, distribution, fn_args.model_run_dir)
    else:
        with tempfile.TemporaryDirectory() as folder:
            _train_and_export(fn_args, distribution, folder)
    # A worker that ended before the others would look as if it had failed.
    distribution.exchange(0)


def _train_and_export(fn_args: FnArgs, distribution: Distribution, model_run_dir: str) -> None:
    started = time.perf_counter()
    settings = resolve(fn_args.custom_config, fn_args.hyperparameters)
    run = prepare_run(
        settings,
        fn_args.transform_graph_path,
        functools.partial(_read_batches, fn_args, settings, distribution),
        distribution.scope(),
        distribution.is_chief,
    )
    _log_plan(run, distribution)
    setup = _set_up(run, distribution)
    confusion_matrix = ConfusionMatrix(len(settings.classes))
    with distribution.scope():
        compile_model(setup.model, settings, setup.train.steps, [confusion_matrix])
    tensorboard = TensorBoardLog(
        os.path.join(model_run_dir, TENSORBOARD),
        settings.classes,
        confusion_matrix,
        # All replicas would have to predict together, but only the chief plots mistakes.
        None if distribution.strategy else setup.validation.dataset,
    )
    state = fit(setup, settings, model_run_dir, run.checkpoints, [tensorboard], started)
    if not distribution.is_chief:
        return

    best_epoch = state.best_epoch(settings.keep_best)
    logger.info("exporting the weights of epoch %d, the best on validation", best_epoch)
    # Keras has set the model of the callback only if an epoch was left to train.
    tensorboard.set_model(setup.model)
    tensorboard.show_mistakes("misclassified by the exported model", best_epoch)
    model = setup.whole_model
    if distribution.strategy:
        model = _copy_replicated(model, settings)
    outliers = _fit_outliers(setup, settings)
    calibration = _calibrate(model, setup, fn_args, settings, distribution, outliers)
    facts = {
        **_describe_training(run, state),
        "workers": distribution.workers,
        "replicas": distribution.replicas,
        "calibration": calibration,
        "doubts_outliers": outliers is not None,
        "parameters": model.count_params(),
        "train_images": run.train.images,
        "validation_images": run.validation.images,
        "seconds": state.seconds_before + time.perf_counter() - started,
    }
    served = ServedProbabilities(model, calibration["temperature"], outliers)
    export(served, run.train.transform, settings, facts, fn_args.serving_model_dir)
    files.write_file(files.join(model_run_dir, TRAINING_FACTS), json.dumps(facts, indent=2))
    if run.checkpoints:
        run.checkpoints.remove()


def _read_batches(
    fn_args: FnArgs,
    settings: Settings,
    distribution: Distribution,
    transform: tft.TFTransformOutput,
) -> tuple[TrainingBatches, ValidationBatches]:
    if distribution.strategy:
        return read_sharded_batches(
            fn_args.train_files, fn_args.eval_files, transform, settings, distribution
        )
    train, validation = read_records(fn_args.train_files), read_records(fn_args.eval_files)
    return read_batches(train, validation, transform, settings)


def _log_plan(run: PreparedRun, distribution: Distribution) -> None:
    logger.info(
        "%s, %s parameters; %s training and %s validation images; %d epochs of %d steps%s",
        run.model.name,
        f"{run.model.count_params():,}",
        f"{run.train.images:,}",
        f"{run.validation.images:,}",
        run.settings.epochs,
        run.train.steps,
        distribution.description,
    )


def _set_up(run: PreparedRun, distribution: Distribution) -> TrainingSetup:
    """Return the model to fit and its batches."""
    if not distribution.strategy:
        return precompute(run.model, run.settings, run.train, run.validation)
    # Nothing is precomputed: each worker has only a shard of the images.
    with distribution.scope():
        model = replicate(run.model)
    return TrainingSetup(model, model, run.train, run.validation)


def _copy_replicated(model: keras.Model, settings: Settings) -> keras.Model:
    """Return a model with the same weights on this device. Saving replicas needs all workers."""
    copy = build_model(settings)
    copy.set_weights(model.get_weights())
    return copy


def _calibrate(
    model: keras.Model,
    setup: TrainingSetup,
    fn_args: FnArgs,
    settings: Settings,
    distribution: Distribution,
    outliers: Outliers | None,
) -> dict[str, Any]:
    """Calibrate on the whole validation split."""
    classifier, validation = setup.model, setup.validation
    if distribution.strategy:
        # The batches of this worker only cover its shard.
        classifier, validation = (
            model,
            read_validation_batches(
                read_records(fn_args.eval_files),
                setup.train.transform,
                len(settings.classes),
                settings.batch_size,
            ),
        )
    answers = classify_batches(classifier, validation.dataset)
    if outliers is None:
        return calibrate(*answers, settings.calibrate)
    evidence = setup.validation_evidence

    def lower(probabilities: Probabilities) -> Probabilities:
        lowered = outliers.lower_confidence(tf.constant(probabilities, tf.float32), evidence)
        return np.asarray(lowered)

    return calibrate(*answers, settings.calibrate, lower)


def _fit_outliers(setup: TrainingSetup, settings: Settings) -> Outliers | None:
    """Learn what the search finds in such images, if it has been computed for all of them."""
    parts = settings.recipe.precomputed_layer
    training, validation = setup.train.evidence, setup.validation_evidence
    if parts is None or training is None or validation is None or not settings.calibrate:
        return None
    return fit_outliers(parts, training.numpy(), setup.train.read_labels(), validation.numpy())


def _describe_training(run: PreparedRun, state: TrainingState) -> dict[str, Any]:
    """Return how the model was trained.

    `images_per_second` covers the training batches of all epochs in all processes, except those of
    interrupted epochs.
    """
    settings = run.settings
    return {
        "model": settings.model,
        "epochs": state.epochs,
        "best_epoch": state.best_epoch(settings.keep_best),
        "keep_best": settings.keep_best,
        "batch_size": settings.batch_size,
        "seed": settings.seed,
        "schedule": settings.schedule.set_values,
        "augment": settings.augment.set_values,
        "optimizer": settings.optimizer.set_values,
        "label_smoothing": settings.label_smoothing,
        "class_weights": settings.class_weights,
        "tuned": settings.tuned,
        "mixed_precision": settings.mixed_precision,
        "started_from": dataclasses.asdict(run.start),
        "resumed_after_epochs": state.resumed_after,
        "images_per_second": state.images / state.training_seconds,
    }
