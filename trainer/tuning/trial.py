"""One trial of a search: a configuration is trained briefly, and what came of it is kept."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow_transform as tft

from data.storage.object_store import fileio
from trainer.fitting.checkpoints import TrainingState, checkpoints_of
from trainer.fitting.compiling import build_model, compile_model
from trainer.fitting.fitting import fit
from trainer.fitting.starting_weights import load_starting_weights
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.batches import Records, TrainingBatches, validation_batches
from trainer.inputs.fixed_part import computed_once
from trainer.settings import Settings
from trainer.training import make_repeatable
from trainer.watching.epoch_log import logger as training_logger


class Diverged(ArithmeticError):
    """A loss is no finite number any more."""


@dataclass(frozen=True)
class TrialResult:
    """What came of a trial.

    Attributes:
      val_accuracy, val_loss: of the epoch that would be exported; None if it failed.
      best_epoch: that epoch, from 1.
      epochs: trained.
      seconds: wall-clock time, of all the processes that worked on it.
      cut_short: whether the time budget ended it before its last epoch.
      failure: why there is no result, empty if there is one.
    """

    val_accuracy: float | None = None
    val_loss: float | None = None
    best_epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    cut_short: bool = False
    failure: str = ""


@dataclass(frozen=True)
class TrialData:
    """What every trial of a search is trained and judged on.

    Attributes:
      train, validation: the splits.
      transform_dir: output of the Transform step.
    """

    train: Records
    validation: Records
    transform_dir: str


def run_trial(
    settings: Settings, data: TrialData, out_of_time: Callable[[], bool], label: str
) -> tuple[TrialResult, bool]:
    """Train one configuration, unless that was done before.

    Args:
      settings: of the trial. Its `checkpoint_dir` is where results are looked for and kept; a
        trial that was killed goes on there from its last epoch.
      data: what to train on.
      out_of_time: asked after each epoch; training ends once it says so.
      label: what the trial is called while it runs.

    Returns:
      The result, and whether it was known before.

    Raises:
      InvalidData: what the search as a whole was given is wrong.
    """
    started = time.perf_counter()
    keras.utils.clear_session(free_memory=True)
    make_repeatable(settings.seed)
    transform = tft.TFTransformOutput(data.transform_dir)
    classes = len(settings.classes)
    train = TrainingBatches(
        data.train,
        transform,
        classes,
        settings.batch_size,
        settings.seed,
        Augmentation(**settings.augment.set_values),
    )
    validation = validation_batches(data.validation, transform, classes, settings.batch_size)
    model = build_model(settings)
    start = load_starting_weights(model, settings)
    checkpoints = checkpoints_of(
        settings,
        [data.train.fingerprint, data.validation.fingerprint],
        data.transform_dir,
        start.identity,
    )
    kept = os.path.join(settings.checkpoint_dir, f"{checkpoints.key}.json") if checkpoints else ""
    if kept and fileio.exists(kept):
        return _read(kept), True

    task = computed_once(model, settings, train, validation)
    compile_model(task.model, settings, train.steps)
    time_limit = _TimeLimit(out_of_time, settings.epochs)
    watching = [_EndOfDivergence(), time_limit]
    try:
        with tempfile.TemporaryDirectory() as folder, _epochs_as_signs_of_life(label):
            state = fit(task, settings, folder, checkpoints, watching, started)
    except Diverged as error:
        result = TrialResult(seconds=time.perf_counter() - started, failure=str(error))
    else:
        seconds = state.seconds_before + time.perf_counter() - started
        result = _result(state, settings, seconds, time_limit.reached)
    if checkpoints:
        # What the time limit cut short may be trained to its end when there is more time.
        if not result.cut_short:
            _write(kept, result)
        checkpoints.remove()
    return result, False


def _result(
    state: TrainingState, settings: Settings, seconds: float, cut_short: bool
) -> TrialResult:
    best_epoch = state.best_epoch(settings.keep_best)
    exported = state.history[best_epoch - 1]
    return TrialResult(
        exported["val_accuracy"],
        exported["val_loss"],
        best_epoch,
        state.epochs,
        seconds,
        cut_short,
    )


def _read(path: str) -> TrialResult:
    with fileio.open(path) as file:
        return TrialResult(**json.load(file))


def _write(path: str, result: TrialResult) -> None:
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(f"{path}.part", "w") as file:
        json.dump(dataclasses.asdict(result), file)
    # At once, so that a kill leaves a whole result or none.
    fileio.rename(f"{path}.part", path, overwrite=True)


class _EndOfDivergence(keras.callbacks.Callback):
    """Ends a training that cannot come to anything."""

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        self._check(logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        self._check(logs["val_loss"])

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise Diverged(f"diverged in epoch {self._epoch}")


class _TimeLimit(keras.callbacks.Callback):
    """Ends training after an epoch when time is up.

    Attributes:
      reached: whether it did, with epochs left.
    """

    def __init__(self, out_of_time: Callable[[], bool], epochs: int):
        super().__init__()
        self._out_of_time = out_of_time
        self._epochs = epochs
        self.reached = False

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 < self._epochs and self._out_of_time():
            self.reached = self.model.stop_training = True


class _epochs_as_signs_of_life(logging.Filter):
    """Has what training logs shown only while it lasts: of a trial, the result is of interest."""

    def __init__(self, label: str):
        super().__init__()
        self._label = label

    def __enter__(self):
        training_logger.addFilter(self)

    def __exit__(self, *exception):
        training_logger.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Mark a record as one that may be overwritten, and say which trial it is of."""
        record.msg, record.args = f"{self._label}: {record.getMessage()}", None
        record.transient = True
        return True
