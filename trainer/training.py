"""`run_fn` of the Trainer step: trains a model and exports it."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import time
from typing import Any

import keras
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from data.storage import files
from trainer.distributed.replicated_model import replicate
from trainer.distributed.shards import read_sharded_batches
from trainer.distributed.strategy import Distribution, choose_devices, find_cluster
from trainer.distributed.worker_process import run_worker
from trainer.export.model_run import TENSORBOARD, TRAINING_FACTS
from trainer.export.saved_model import export
from trainer.fitting.checkpoints import TrainingState
from trainer.fitting.compiling import build_model, compile_model
from trainer.fitting.fitting import fit
from trainer.fitting.precomputed import TrainingSetup, precompute
from trainer.fitting.preparation import PreparedRun, prepare_run
from trainer.fitting.starting_weights import Start
from trainer.inputs.batches import (
    TrainingBatches,
    ValidationBatches,
    read_batches,
    read_records,
    read_validation_batches,
)
from trainer.quality.calibration import calibrate, classify_batches
from trainer.quality.confusion_matrix import ConfusionMatrix
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
      InvalidData: the starting weights do not fit the model, the optimiser lacks a setting, or the
        strategy asks for devices that do not exist.
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
        lambda transform: _read_batches(fn_args, transform, settings, distribution),
        distribution.scope(),
        distribution.is_chief,
    )
    _log_plan(run, settings, distribution)
    setup, tensorboard = _compile(run, settings, distribution, model_run_dir)
    state = fit(setup, settings, model_run_dir, run.checkpoints, [tensorboard], started)
    if not distribution.is_chief:
        return

    best_epoch = state.best_epoch(settings.keep_best)
    logger.info("exporting the weights of epoch %d, the best on validation", best_epoch)
    # Keras has set the model only if an epoch was left to train.
    tensorboard.set_model(setup.model)
    tensorboard.show_mistakes("misclassified by the exported model", best_epoch)
    exported = _copy_for_export(setup.whole_model, settings)
    facts = {
        **describe_training(settings, state, run.start),
        "workers": distribution.workers,
        "replicas": distribution.replicas,
        "calibration": _calibrate(exported, setup, fn_args, run, settings, distribution),
        "parameters": exported.count_params(),
        "train_images": run.train.images,
        "validation_images": run.validation.images,
        "seconds": state.seconds_before + time.perf_counter() - started,
    }
    export(
        exported,
        run.transform,
        settings.classes,
        settings.height,
        settings.width,
        fn_args.serving_model_dir,
        facts={"normalise": settings.normalise, "training": facts},
        temperature=facts["calibration"]["temperature"],
    )
    files.write_file(files.join(model_run_dir, TRAINING_FACTS), json.dumps(facts, indent=2))
    if run.checkpoints:
        run.checkpoints.remove()
