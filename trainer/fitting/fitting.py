"""Fits a compiled model, keeps its best weights, and resumes where an interrupted run stopped."""

from __future__ import annotations

import csv
import io
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras

from data.storage import files
from trainer.export.model_run import BEST_WEIGHTS, TRAINING_LOG
from trainer.fitting.checkpoints import Checkpoints, TrainingState
from trainer.fitting.class_weights import get_class_weights
from trainer.fitting.compiling import build_model
from trainer.fitting.divergence import DivergenceCheck
from trainer.fitting.precomputed import TrainingSetup
from trainer.settings import Settings
from trainer.watching.epoch_log import EpochLog, logger


def fit(
    setup: TrainingSetup,
    settings: Settings,
    model_run_dir: str,
    checkpoints: Checkpoints | None = None,
    watching: Sequence[keras.callbacks.Callback] = (),
    started: float | None = None,
) -> TrainingState:
    """Train a model, leave it with its best weights, and write these to a file.

    Args:
      setup: a compiled model and its batches. Training starts from the model's weights, or from
        the checkpoint if there is one.
      settings: settings of the run.
      model_run_dir: folder for weights, training log and TensorBoard's files.
      checkpoints: checkpoints of the run; None trains without checkpoints.
      watching: further callbacks. They must flush what they write to TensorBoard's folder by the
        end of each epoch, so that a checkpoint includes it.
      started: `time.perf_counter()` when the step began; None for now.

    Returns:
      The final state, over all processes that worked on this run.

    Raises:
      DivergedError: a loss is NaN or infinite.
    """
    started = time.perf_counter() if started is None else started
    # HDF5 needs a file that it can seek in, and an artifact may be in a bucket.
    with tempfile.TemporaryDirectory() as folder:
        best_weights = os.path.join(folder, os.path.basename(BEST_WEIGHTS))
        state = _restore(checkpoints, setup.model, best_weights, model_run_dir)
        _log_resuming(state, settings.epochs)
        _write_training_log(model_run_dir, state)
        best_model = build_model(settings)

        def save() -> None:
            _write_training_log(model_run_dir, state)
            if checkpoints:
                checkpoints.save(setup.model, state, best_weights, model_run_dir)

        if not state.ended:
            seconds = state.training_seconds + setup.seconds
            epoch_log = EpochLog(setup.train.images, state.images, seconds)
            keeping = _keep_best(settings, state, best_weights, setup.whole_model, best_model)
            # The recorder comes last, so that a checkpoint includes the work of the others.
            recorder = _StateRecorder(state, epoch_log, settings.epochs, started, save)
            check = DivergenceCheck(settings)
            _fit_epochs(setup, settings, state, [check, epoch_log, *watching, *keeping, recorder])
        best_model.load_weights(best_weights)
        setup.whole_model.set_weights(best_model.get_weights())
        files.copy_file(best_weights, files.join(model_run_dir, BEST_WEIGHTS))
    return state


def _fit_epochs(
    setup: TrainingSetup,
    settings: Settings,
    state: TrainingState,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Fit the remaining epochs."""
    setup.model.fit(
        setup.train.read_epochs(state.epochs, settings.epochs),
        steps_per_epoch=setup.train.steps,
        initial_epoch=state.epochs,
        epochs=settings.epochs,
        validation_data=setup.validation.dataset,
        validation_steps=setup.validation.steps,
        class_weight=get_class_weights(
            settings.class_weights, settings.classes, setup.train.read_labels
        ),
        callbacks=callbacks,
        verbose=0,
        shuffle=False,  # the batches are shuffled already
    )


class _StateRecorder(keras.callbacks.Callback):
    """Updates a TrainingState after each epoch and saves it."""

    def __init__(
        self,
        state: TrainingState,
        epoch_log: EpochLog,
        epochs: int,
        started: float,
        save: Callable[[], None],
    ) -> None:
        super().__init__()
        self._state = state
        self._epoch_log = epoch_log
        self._epochs = epochs
        self._started = started
        self._save = save

    def on_epoch_end(self, _epoch: int, logs: dict[str, float]) -> None:
        state = self._state
        state.history.append({name: float(value) for name, value in logs.items()})
        state.ended = self.model.stop_training or state.epochs == self._epochs
        state.images = self._epoch_log.images
        state.training_seconds = self._epoch_log.seconds
        state.seconds = state.seconds_before + time.perf_counter() - self._started
        self._save()


class _BestWeights(keras.callbacks.ModelCheckpoint):
    """Writes the best weights of the whole model while only one of its layers is fitted.

    It writes them through a model that was never compiled. A compiled model would add its
    optimiser, which is twice the size of the weights and of no use to readers of the file.
    """

    def __init__(
        self, whole_model: keras.Model, best_model: keras.Model, path: str, **options: Any
    ) -> None:
        super().__init__(path, save_best_only=True, save_weights_only=True, **options)
        self._whole_model = whole_model
        self._best_model = best_model

    def set_model(self, _model: keras.Model) -> None:
        super().set_model(self._best_model)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._best_model.set_weights(self._whole_model.get_weights())
        super().on_epoch_end(epoch, logs)


class _EarlyStopping(keras.callbacks.EarlyStopping):
    """Early stopping that also takes the epochs before an interruption into account."""

    def __init__(self, history: Sequence[dict[str, float]], **options: Any) -> None:
        super().__init__(**options)
        self._history = list(history)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        for epoch, epoch_logs in enumerate(self._history):
            self.on_epoch_end(epoch, epoch_logs)


def _keep_best(
    settings: Settings,
    state: TrainingState,
    best_weights: str,
    whole_model: keras.Model,
    best_model: keras.Model,
) -> list[keras.callbacks.Callback]:
    """Return the callbacks that write the best weights and end training early."""
    monitor = {
        "monitor": settings.keep_best,
        "mode": "min" if settings.keep_best == "val_loss" else "max",
    }
    callbacks = [
        _BestWeights(
            whole_model,
            best_model,
            best_weights,
            initial_value_threshold=state.best(settings.keep_best) if state.epochs else None,
            **monitor,
        ),
    ]
    if settings.early_stopping:
        callbacks.append(_EarlyStopping(state.history, patience=settings.early_stopping, **monitor))
    return callbacks


def _write_training_log(model_run_dir: str, state: TrainingState) -> None:
    """Write the log of all epochs so far, because objects in a bucket cannot grow."""
    text = io.StringIO()
    if state.history:
        rows = csv.DictWriter(text, ["epoch", *sorted(state.history[0])])
        rows.writeheader()
        rows.writerows({"epoch": epoch, **logs} for epoch, logs in enumerate(state.history))
    files.write_file(files.join(model_run_dir, TRAINING_LOG), text.getvalue())


def _restore(
    checkpoints: Checkpoints | None, model: keras.Model, best_weights: str, model_run_dir: str
) -> TrainingState:
    if not checkpoints:
        return TrainingState()
    state = checkpoints.restore(model, best_weights, model_run_dir)
    if state.epochs:
        state.resumed_after.append(state.epochs)
        state.seconds_before = state.seconds
    return state


def _log_resuming(state: TrainingState, epochs: int) -> None:
    if state.ended:
        logger.info("all %d epochs were trained before", state.epochs)
    elif state.epochs:
        logger.info(
            "resuming at epoch %d of %d, the first %d were trained before",
            state.epochs + 1,
            epochs,
            state.epochs,
        )
