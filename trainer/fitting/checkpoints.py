"""Checkpoints of a training run, from which an interrupted run resumes.

`keras.callbacks.BackupAndRestore` is not enough. It keeps weights, optimiser state and the number
of epochs, but not the random state of Dropout, the history, the best weights or the logs. It also
overwrites its only state, so a kill during writing loses everything.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import zipfile
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from data.invalid import InvalidData
from data.storage import files
from data.storage.object_store import StoreError
from trainer.export.model_run import TENSORBOARD
from trainer.settings import Settings

_STATE = "checkpoint.json"
_VARIABLES = "variables.npz"
# Digits of the SHA-256; enough that no two runs share a folder.
_KEY_DIGITS = 16


@dataclass
class TrainingState:
    """How far a run has come, over all processes that worked on it.

    Attributes:
      history: Keras's logs of every finished epoch.
      ended: whether no epoch is left to train, because of early stopping or otherwise.
      images: images trained on.
      training_seconds: time spent in training batches.
      seconds: wall-clock time of the step, of each process up to its last finished epoch.
      seconds_before: the wall-clock time of earlier processes.
      resumed_after: numbers of epochs after which another process resumed.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    ended: bool = False
    images: int = 0
    training_seconds: float = 0.0
    seconds: float = 0.0
    seconds_before: float = 0.0
    resumed_after: list[int] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history)

    def best(self, monitor: str) -> float:
        """Return the best value so far of `val_accuracy` or `val_loss`."""
        return self.history[self.best_epoch(monitor) - 1][monitor]

    def best_epoch(self, monitor: str) -> int:
        """Return the first epoch, from 1, with the best value of `val_accuracy` or `val_loss`."""
        values = [logs[monitor] for logs in self.history]
        return values.index(min(values) if monitor == "val_loss" else max(values)) + 1


class Checkpoints:
    """The newest state of one run, in its own folder.

        FOLDER/epoch-7/variables.npz     every variable of the model and the optimiser
        FOLDER/epoch-7/tensorboard/      TensorBoard's files so far
        FOLDER/best-5.weights.h5         the best weights so far
        FOLDER/checkpoint.json           names the files above and holds a TrainingState

    `checkpoint.json` is written last and replaced in one step. A kill at any moment therefore
    leaves either the previous state or the new one. Files that it does not name are ignored.
    """

    def __init__(self, folder: str, read_only: bool = False) -> None:
        """Create the object without touching any file.

        Args:
          folder: a folder or a bucket address.
          read_only: whether another worker of the same run, the chief, writes the checkpoints.
        """
        self._folder = folder
        self._read_only = read_only

    @property
    def key(self) -> str:
        """A digest of everything that determines the weights of this run."""
        return os.path.basename(self._folder)

    def restore(self, model: keras.Model, best_weights: str, model_run_dir: str) -> TrainingState:
        """Bring a newly compiled model to the last saved state and return this state.

        Args:
          model: its variables and those of its optimiser are overwritten.
          best_weights: local file to write the best weights so far to.
          model_run_dir: folder to write TensorBoard's files so far to.

        Raises:
          InvalidData: there is a checkpoint, but it cannot be read.
          StoreError: the object store does not answer or denies access.
        """
        try:
            saved = self._read_state()
            if saved is None:
                return TrainingState()
            names, state = saved
            epoch_dir = files.join(self._folder, names["epoch"])
            # An optimiser creates its variables when it is first used, and takes none before.
            with model.distribute_strategy.scope():
                model.optimizer.build(model.trainable_variables)
            with files.open_file(files.join(epoch_dir, _VARIABLES), "rb") as stream:
                arrays = np.load(stream)
                for index, variable in enumerate(_list_variables(model)):
                    variable.assign(arrays[str(index)])
            files.copy_file(files.join(self._folder, names["best"]), best_weights)
            _copy_tensorboard(epoch_dir, model_run_dir)
        except StoreError:
            # The checkpoint may be intact, and deleting it would be the wrong remedy.
            raise
        except (ValueError, OSError, KeyError, zipfile.BadZipFile, tf.errors.OpError) as error:
            raise InvalidData(
                f"The checkpoint in {self._folder} cannot be read "
                f"({str(error).splitlines()[0]}). Delete that folder to train from the beginning."
            ) from error
        return state

    def save(
        self,
        model: keras.Model,
        state: TrainingState,
        best_weights: str,
        best_epoch: int,
        model_run_dir: str,
    ) -> None:
        """Write the state after an epoch, then remove the previous one.

        Args:
          model: the compiled model in training.
          state: how far training has come.
          best_weights: local file with the best weights so far.
          best_epoch: the epoch, from 1, that these weights are from.
          model_run_dir: folder with TensorBoard's files.
        """
        if self._read_only:
            return
        names = {"epoch": f"epoch-{state.epochs}", "best": f"best-{best_epoch}.weights.h5"}
        epoch_dir = files.join(self._folder, names["epoch"])
        if files.exists(epoch_dir):
            # A process was killed while it wrote this folder.
            files.remove_folder(epoch_dir)
        arrays = {
            str(index): keras.ops.convert_to_numpy(variable)
            for index, variable in enumerate(_list_variables(model))
        }
        archive = io.BytesIO()
        np.savez(archive, **arrays)
        files.write_file(files.join(epoch_dir, _VARIABLES), archive.getvalue())
        best = files.join(self._folder, names["best"])
        if best_epoch == state.epochs or not files.exists(best):
            files.copy_file(best_weights, best)
        _copy_tensorboard(model_run_dir, epoch_dir)
        content = {"files": names, "state": dataclasses.asdict(state)}
        files.write_file(files.join(self._folder, _STATE), json.dumps(content))
        self._remove_all_but(_STATE, *names.values())

    def remove(self) -> None:
        """Remove the folder once the run is complete."""
        if not self._read_only and files.exists(self._folder):
            files.remove_folder(self._folder)

    def _read_state(self) -> tuple[dict[str, str], TrainingState] | None:
        path = files.join(self._folder, _STATE)
        if not files.exists(path):
            return None
        content = json.loads(files.read_text(path))
        return content["files"], TrainingState(**content["state"])

    def _remove_all_but(self, *names: str) -> None:
        for name in files.list_folder(self._folder):
            path = files.join(self._folder, name)
            if name in names:
                continue
            if files.is_folder(path):
                files.remove_folder(path)
            else:
                files.remove_file(path)


def open_checkpoints(
    settings: Settings,
    fingerprints: list[str],
    transform_dir: str,
    start: str,
    read_only: bool = False,
) -> Checkpoints | None:
    """Return the checkpoints of a run; None if it keeps none.

    Everything that determines the weights determines the folder. A run therefore never resumes
    from the checkpoints of a different run.

    Args:
      settings: settings of the run; they include the digest of the code.
      fingerprints: fingerprints of the records of both splits.
      transform_dir: output of the Transform step.
      start: identity of the weights that training starts from.
      read_only: whether another worker of the same run writes the checkpoints.
    """
    if not settings.checkpoint_dir:
        return None
    digest = hashlib.sha256()
    for text in (settings.digest, *fingerprints, start):
        digest.update(f"{text}\n".encode())
    paths = [
        files.join(folder, name) for folder, _, names in files.walk(transform_dir) for name in names
    ]
    for path in sorted(paths):
        digest.update(path.removeprefix(transform_dir).encode() + files.read_bytes(path))
    key = digest.hexdigest()[:_KEY_DIGITS]
    return Checkpoints(files.join(settings.checkpoint_dir, key), read_only)


def _list_variables(model: keras.Model) -> list[keras.Variable]:
    """Return every variable that a later epoch depends on, in an order fixed by the model's code.

    `variables`, unlike `weights`, includes the random state of Dropout. Metrics are left out: they
    start each epoch anew, and have variables only once something was fitted.
    """
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + list(model.optimizer.variables)


def _copy_tensorboard(source: str, target: str) -> None:
    """Copy TensorBoard's files, if there are any, from one folder to another."""
    if files.is_folder(files.join(source, TENSORBOARD)):
        files.copy_folder(files.join(source, TENSORBOARD), files.join(target, TENSORBOARD))
