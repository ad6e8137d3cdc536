"""What an interrupted training run leaves behind, for the next one to go on from.

Not `keras.callbacks.BackupAndRestore`: of a run it keeps weights, optimiser state and the number
of epochs, but neither the random state of Dropout nor the history, the best weights and the
logs; and it overwrites the one state that it has, so that a kill while it writes loses it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from data.invalid import InvalidData
from data.storage.object_store import StoreError, fileio
from trainer.export.model_run import TENSORBOARD
from trainer.settings import Settings

_STATE = "checkpoint.json"
_VARIABLES = "variables.npz"
# Of a SHA-256; enough that no two runs into one folder ever share it.
_KEY_DIGITS = 16


@dataclass
class TrainingState:
    """How far a run has come, over all the processes that worked on it.

    Attributes:
      history: Keras's logs of every finished epoch.
      ended: whether no epoch is left to train, be it because of early stopping.
      images: images trained on.
      training_seconds: time spent in training batches.
      seconds: wall-clock time of the step, of each process up to its last finished epoch.
      seconds_before: the part of it that earlier processes took.
      resumed_after: numbers of epochs after which another process went on.
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
        """The best value so far of `val_accuracy` or `val_loss`."""
        return self.history[self.best_epoch(monitor) - 1][monitor]

    def best_epoch(self, monitor: str) -> int:
        """The first epoch, from 1, with the best value of `val_accuracy` or `val_loss`."""
        values = [logs[monitor] for logs in self.history]
        return values.index(min(values) if monitor == "val_loss" else max(values)) + 1


class Checkpoints:
    """The newest state of one run, in a folder of its own.

        FOLDER/epoch-7/variables.npz     every variable of network and optimiser
        FOLDER/epoch-7/tensorboard/      TensorBoard's files so far
        FOLDER/best-5.weights.h5         the best weights so far
        FOLDER/checkpoint.json           names the above, and holds a TrainingState

    The last is written last, and replaced in one step by a rename: a kill at any moment leaves
    the state before or the state after. Files that it does not name are left-overs.
    """

    def __init__(self, folder: str, read_only: bool = False):
        """Constructs the object; touches no file.

        Args:
          folder: a folder or a bucket address.
          read_only: whether another worker of the same run, the chief, writes it.
        """
        self._folder = folder
        self._read_only = read_only

    @property
    def key(self) -> str:
        """Stands for everything that decides the weights of this run."""
        return os.path.basename(self._folder)

    def restore(self, model: keras.Model, best_weights: str, model_run_dir: str) -> TrainingState:
        """Bring a freshly compiled model to the state saved last; return how far that is.

        Args:
          model: its variables are overwritten, those of its optimiser too.
          best_weights: a local file to which the best weights so far are written.
          model_run_dir: folder to which TensorBoard's files so far are written.

        Raises:
          InvalidData: a checkpoint is there and cannot be read.
          StoreError: the store that it is in does not answer, or refuses.
        """
        try:
            saved = self._read_state()
            if saved is None:
                return TrainingState()
            files, state = saved
            epoch_dir = os.path.join(self._folder, files["epoch"])
            # An optimiser makes its variables when it is first used, and takes none before.
            with model.distribute_strategy.scope():
                model.optimizer.build(model.trainable_variables)
            with fileio.open(os.path.join(epoch_dir, _VARIABLES), "rb") as stream:
                arrays = np.load(stream)
                for index, variable in enumerate(_variables(model)):
                    variable.assign(arrays[str(index)])
            fileio.copy(os.path.join(self._folder, files["best"]), best_weights, overwrite=True)
            _copy_tree(
                os.path.join(epoch_dir, TENSORBOARD), os.path.join(model_run_dir, TENSORBOARD)
            )
        except StoreError:
            # The checkpoint is as good as ever, and to delete it the wrong remedy.
            raise
        except (ValueError, OSError, KeyError, tf.errors.OpError) as error:
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
        """Write the state after an epoch, then remove the one before it.

        Args:
          model: compiled and fitted.
          state: how far it is.
          best_weights: the local file of the best weights so far.
          best_epoch: the epoch, from 1, that they are of.
          model_run_dir: folder that holds TensorBoard's files.
        """
        if self._read_only:
            return
        files = {"epoch": f"epoch-{state.epochs}", "best": f"best-{best_epoch}.weights.h5"}
        epoch_dir = os.path.join(self._folder, files["epoch"])
        if fileio.exists(epoch_dir):
            # Of a process that was killed while it wrote; nothing names it yet.
            fileio.rmtree(epoch_dir)
        fileio.makedirs(epoch_dir)
        arrays = {
            str(index): keras.ops.convert_to_numpy(variable)
            for index, variable in enumerate(_variables(model))
        }
        with tempfile.TemporaryFile() as local:
            # A zip archive is written with seeking, which buckets do not allow.
            np.savez(local, **arrays)
            local.seek(0)
            with fileio.open(os.path.join(epoch_dir, _VARIABLES), "wb") as stream:
                stream.write(local.read())
        best = os.path.join(self._folder, files["best"])
        if best_epoch == state.epochs or not fileio.exists(best):
            fileio.copy(best_weights, best, overwrite=True)
        _copy_tree(os.path.join(model_run_dir, TENSORBOARD), os.path.join(epoch_dir, TENSORBOARD))
        self._write_state(files, state)
        self._prune(files)

    def remove(self) -> None:
        """Remove the folder, once nothing has to be gone on with."""
        if not self._read_only and fileio.exists(self._folder):
            fileio.rmtree(self._folder)

    def _read_state(self) -> tuple[dict[str, str], TrainingState] | None:
        path = os.path.join(self._folder, _STATE)
        if not fileio.exists(path):
            return None
        with fileio.open(path) as file:
            content = json.load(file)
        return content["files"], TrainingState(**content["state"])

    def _write_state(self, files: dict[str, str], state: TrainingState) -> None:
        path = os.path.join(self._folder, _STATE)
        with fileio.open(f"{path}.part", "w") as file:
            json.dump({"files": files, "state": dataclasses.asdict(state)}, file)
        fileio.rename(f"{path}.part", path, overwrite=True)

    def _prune(self, files: dict[str, str]) -> None:
        if self._read_only:
            return
        for name in fileio.listdir(self._folder):
            name = name.rstrip("/")
            path = os.path.join(self._folder, name)
            if name in (_STATE, *files.values()):
                continue
            if fileio.isdir(path):
                fileio.rmtree(path)
            else:
                fileio.remove(path)


def checkpoints_of(
    settings: Settings,
    fingerprints: list[str],
    transform_dir: str,
    start: str,
    read_only: bool = False,
) -> Checkpoints | None:
    """Return the checkpoints of the run that these settings and data are; None for nowhere.

    What decides the weights decides the folder, so that a run never goes on from another's.

    Args:
      settings: resolved; the digest of the code is among what was given.
      fingerprints: of the records of both splits.
      transform_dir: output of the Transform step.
      start: identity of the weights that training starts from.
      read_only: whether another worker of the same run writes them.
    """
    if not settings.checkpoint_dir:
        return None
    digest = hashlib.sha256()
    for part in (settings.digest, *fingerprints, start):
        digest.update(f"{part}\n".encode())
    for path in sorted(_files_under(transform_dir)):
        with fileio.open(os.path.join(transform_dir, path), "rb") as file:
            digest.update(path.encode() + file.read())
    return Checkpoints(
        os.path.join(settings.checkpoint_dir, digest.hexdigest()[:_KEY_DIGITS]), read_only
    )


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Every variable that a later epoch depends on, in an order that the model's code fixes.

    Of the model, `variables` and not `weights`: only the former hold the random state of Dropout.
    Metrics begin each epoch anew, and only have variables once something was fitted.
    """
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + list(model.optimizer.variables)


def _files_under(folder: str) -> list[str]:
    return [
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, _, names in fileio.walk(folder)
        for name in names
    ]


def _copy_tree(source: str, target: str) -> None:
    for path in _files_under(source):
        copied = os.path.join(target, path)
        fileio.makedirs(os.path.dirname(copied))
        fileio.copy(os.path.join(source, path), copied, overwrite=True)
