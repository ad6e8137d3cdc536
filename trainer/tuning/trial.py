"""Runs one trial of a search: trains one configuration briefly, and keeps its result."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import keras

from data.invalid import InvalidData
from data.storage import files
from data.storage.checked_json import read_checked_json, write_checked_json
from trainer.fitting.checkpoints import TrainingState
from trainer.fitting.compiling import compile_model
from trainer.fitting.divergence import DivergedError
from trainer.fitting.fitting import fit
from trainer.fitting.precomputed import precompute
from trainer.fitting.preparation import PreparedRun, prepare_run
from trainer.inputs.batches import read_batches
from trainer.inputs.records import Records
from trainer.settings import Settings
from trainer.watching.epoch_log import logger as training_logger


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial.

    Attributes:
      val_accuracy: validation accuracy of the best epoch; None if the trial failed.
      val_loss: validation loss of the best epoch; None if the trial failed.
      best_epoch: number, from 1, of the epoch that would be exported.
      epochs: number of epochs trained.
      seconds: wall-clock time, over all processes that worked on the trial.
      cut_short: whether the time budget ended the trial before its last epoch.
      failure: why there is no result; empty if there is one.
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
    """The data that every trial of a search is trained and validated on.

    Attributes:
      train: the training split.
      validation: the validation split.
      transform_dir: output of the Transform step.
    """

    train: Records
    validation: Records
    transform_dir: str


def run_trial(
    settings: Settings, data: TrialData, is_time_up: Callable[[], bool], label: str
) -> tuple[TrialResult, bool]:
    """Train one configuration, or return its stored result.

    Args:
      settings: settings of the trial. Results are stored in their `checkpoint_dir`. An interrupted
        trial resumes there after its last epoch.
      data: the data to train on.
      is_time_up: called after each epoch; training ends once it returns True.
      label: name of the trial in the log.

    Returns:
      The result, and whether it was already stored.

    Raises:
      InvalidData: the configuration of the whole search is invalid.
    """
    started = time.perf_counter()
    keras.utils.clear_session(free_memory=True)
    run = prepare_run(
        settings,
        data.transform_dir,
        lambda transform: read_batches(data.train, data.validation, transform, settings),
    )
    if run.checkpoints is None:
        return _train(run, is_time_up, label, started), False
    result_file = files.join(settings.checkpoint_dir, f"{run.checkpoints.key}.json")
    with suppress(FileNotFoundError):
        try:
            return TrialResult(**read_checked_json(result_file)), True
        except InvalidData as error:
            training_logger.warning("%s: %s The trial is repeated.", label, error)
    result = _train(run, is_time_up, label, started)
    # A trial that was cut short can be finished when there is more time.
    if not result.cut_short:
        write_checked_json(result_file, dataclasses.asdict(result))
    run.checkpoints.remove()
    return result, False


def _train(
    run: PreparedRun, is_time_up: Callable[[], bool], label: str, started: float
) -> TrialResult:
    settings = run.settings
    setup = precompute(run.model, settings, run.train, run.validation)
    compile_model(setup.model, settings, run.train.steps)
    time_limit = _TimeLimit(is_time_up, settings.epochs)
    try:
        with tempfile.TemporaryDirectory() as folder, _transient_log(label):
            state = fit(setup, settings, folder, run.checkpoints, [time_limit], started)
    except DivergedError as error:
        seconds = time.perf_counter() - started
        return TrialResult(seconds=seconds, failure=f"diverged in {error.place}")
    seconds = state.seconds_before + time.perf_counter() - started
    return _summarise(state, settings, seconds, time_limit.reached)


def _summarise(
    state: TrainingState, settings: Settings, seconds: float, cut_short: bool
) -> TrialResult:
    best_epoch = state.best_epoch(settings.keep_best)
    logs = state.history[best_epoch - 1]
    return TrialResult(
        logs["val_accuracy"], logs["val_loss"], best_epoch, state.epochs, seconds, cut_short
    )


class _TimeLimit(keras.callbacks.Callback):
    """Ends training after an epoch when time is up.

    Attributes:
      reached: whether it ended training before the last epoch.
    """

    def __init__(self, is_time_up: Callable[[], bool], epochs: int) -> None:
        super().__init__()
        self._is_time_up = is_time_up
        self._epochs = epochs
        self.reached = False

    def on_epoch_end(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        if epoch + 1 < self._epochs and self._is_time_up():
            self.reached = self.model.stop_training = True


@contextmanager
def _transient_log(label: str) -> Iterator[None]:
    """Label the log records of training. All but warnings are transient; only the result stays."""

    def mark(record: logging.LogRecord) -> bool:
        transient = record.levelno < logging.WARNING
        vars(record).update(msg=f"{label}: {record.getMessage()}", args=None, transient=transient)
        return True

    training_logger.addFilter(mark)
    try:
        yield
    finally:
        training_logger.removeFilter(mark)
