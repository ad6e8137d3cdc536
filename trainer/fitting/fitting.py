"""Fits a compiled model, keeps its best weights, and goes on from where a killed run was."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from trainer.export.model_run import BEST_WEIGHTS, TRAINING_LOG
from trainer.fitting.checkpoints import Checkpoints, TrainingState
from trainer.fitting.class_weights import class_weights
from trainer.fitting.compiling import build_model
from trainer.inputs.fixed_part import Task
from trainer.settings import Settings
from trainer.watching.epoch_log import EpochLog, logger


def fit(
    task: Task,
    settings: Settings,
    model_run_dir: str,
    checkpoints: Checkpoints | None = None,
    watching: Sequence[keras.callbacks.Callback] = (),
    started: float | None = None,
) -> TrainingState:
    """Train a model and leave it with its best weights, which are also written to a file.

    Args:
      task: its model is compiled, whose weights are where training starts, unless there is a
        checkpoint.
      settings: of this run.
      model_run_dir: where weights, training log and TensorBoard's files go.
      checkpoints: of this run; None trains without.
      watching: further callbacks. What they write to TensorBoard's folder has to be flushed by
        the end of each epoch, so that a checkpoint holds it.
      started: `time.perf_counter()` when the step began; now unless given.

    Returns:
      The state at the end, over all the processes that worked on this run.
    """
    started = time.perf_counter() if started is None else started
    model, train, validation = task.model, task.train, task.validation
    # HDF5 needs a file that it can seek in, and an artifact may be in a bucket.
    with tempfile.TemporaryDirectory() as folder:
        best_weights = os.path.join(folder, os.path.basename(BEST_WEIGHTS))
        state = TrainingState()
        if checkpoints:
            state = checkpoints.restore(model, best_weights, model_run_dir)
        if state.epochs:
            _note_resuming(state, settings.epochs)
        training_log = os.path.join(model_run_dir, TRAINING_LOG)
        _write_training_log(training_log, state)
        best = build_model(settings)

        def save() -> None:
            _write_training_log(training_log, state)
            if checkpoints:
                best_epoch = state.best_epoch(settings.keep_best)
                checkpoints.save(model, state, best_weights, best_epoch, model_run_dir)

        if not state.ended:
            epoch_log = EpochLog(train.images)
            state.training_seconds += task.seconds
            model.fit(
                train.epochs(state.epochs, settings.epochs),
                steps_per_epoch=train.steps,
                initial_epoch=state.epochs,
                epochs=settings.epochs,
                validation_data=validation.dataset,
                validation_steps=validation.steps,
                class_weight=class_weights(settings.class_weights, settings.classes, train.labels),
                callbacks=[
                    epoch_log,
                    *watching,
                    *_callbacks(settings, state, best_weights, task.whole, best),
                    # Last, so that a checkpoint holds what the others did in the epoch.
                    StateKeeper(state, epoch_log, settings.epochs, started, save),
                ],
                verbose=0,
            )
        best.load_weights(best_weights)
        task.whole.set_weights(best.get_weights())
        kept = os.path.join(model_run_dir, BEST_WEIGHTS)
        tf.io.gfile.makedirs(os.path.dirname(kept))
        tf.io.gfile.copy(best_weights, kept, overwrite=True)
    return state


class StateKeeper(keras.callbacks.Callback):
    """Brings a TrainingState up to date after each epoch, and has it saved."""

    def __init__(
        self,
        state: TrainingState,
        epoch_log: EpochLog,
        epochs: int,
        started: float,
        save: Callable[[], None],
    ):
        super().__init__()
        self._state = state
        self._epoch_log = epoch_log
        self._epochs = epochs
        self._started = started
        self._save = save
        epoch_log.images, epoch_log.seconds = state.images, state.training_seconds

    def on_epoch_end(self, epoch, logs=None):
        state = self._state
        state.history.append({name: float(value) for name, value in logs.items()})
        state.ended = self.model.stop_training or state.epochs == self._epochs
        state.images = self._epoch_log.images
        state.training_seconds = self._epoch_log.seconds
        state.seconds = state.seconds_before + time.perf_counter() - self._started
        self._save()


class _BestWeights(keras.callbacks.ModelCheckpoint):
    """Keeps the weights of a whole model while a part of it is fitted.

    They are written by way of a model that was never compiled: one that was brings its optimiser
    along, which is twice the size of the weights and of no use to anybody who reads them.
    """

    def __init__(self, whole: keras.Model, best: keras.Model, path: str, **arguments):
        super().__init__(path, save_best_only=True, save_weights_only=True, **arguments)
        self._whole = whole
        self._best = best

    def set_model(self, model):
        super().set_model(self._best)

    def on_epoch_end(self, epoch, logs=None):
        self._best.set_weights(self._whole.get_weights())
        super().on_epoch_end(epoch, logs)


class _EarlyStopping(keras.callbacks.EarlyStopping):
    """Early stopping that has also seen the epochs that were trained before."""

    def __init__(self, history: Sequence[dict[str, float]], **arguments):
        super().__init__(**arguments)
        self._history = list(history)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        for epoch, epoch_logs in enumerate(self._history):
            self.on_epoch_end(epoch, epoch_logs)


def _callbacks(
    settings: Settings,
    state: TrainingState,
    best_weights: str,
    whole: keras.Model,
    best_model: keras.Model,
) -> list[keras.callbacks.Callback]:
    """What keeps the best weights and ends training early."""
    best = {
        "monitor": settings.keep_best,
        "mode": "min" if settings.keep_best == "val_loss" else "max",
    }
    callbacks = [
        _BestWeights(
            whole,
            best_model,
            best_weights,
            initial_value_threshold=state.best(settings.keep_best) if state.epochs else None,
            **best,
        ),
    ]
    if settings.early_stopping:
        callbacks.append(_EarlyStopping(state.history, patience=settings.early_stopping, **best))
    return callbacks


def _write_training_log(path: str, state: TrainingState) -> None:
    """Write the log of every epoch so far, anew each time: objects in a bucket cannot grow."""
    log = keras.callbacks.CSVLogger(path)
    tf.io.gfile.makedirs(os.path.dirname(path))
    log.on_train_begin()
    for epoch, logs in enumerate(state.history):
        log.on_epoch_end(epoch, logs)
    log.on_train_end()


def _note_resuming(state: TrainingState, epochs: int) -> None:
    state.resumed_after.append(state.epochs)
    state.seconds_before = state.seconds
    if state.ended:
        logger.info("all %d epochs were trained before", state.epochs)
        return
    logger.info(
        "resuming at epoch %d of %d, the first %d were trained before",
        state.epochs + 1,
        epochs,
        state.epochs,
    )
