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
import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data.invalid import InvalidData
from data.storage import files
from data.storage.object_store import StoreError
from trainer.export.model_run import TENSORBOARD
from trainer.settings import Settings
from trainer.watching.epoch_log import logger

_INDEX = "checkpoint.json"
_VARIABLES = "variables.npz"
_BEST_WEIGHTS = "best.weights.h5"
# If the newest is damaged, training continues from the one before it.
_KEPT = 2
# Digits of the SHA-256; enough that no two runs have the same key.
_KEY_DIGITS = 16
# Digits that distinguish the processes that write checkpoints of the same run.
_WRITER_DIGITS = 8


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
        return int(np.nanargmin(values) if monitor == "val_loss" else np.nanargmax(values)) + 1


class Checkpoints:
    """The newest states of one run, each in a folder of its own.

        FOLDER/KEY-epoch-7-1b5e20c7/variables.npz      every variable of the model and the optimiser
        FOLDER/KEY-epoch-7-1b5e20c7/best.weights.h5    the best weights so far
        FOLDER/KEY-epoch-7-1b5e20c7/tensorboard/       TensorBoard's files so far
        FOLDER/KEY-epoch-7-1b5e20c7/checkpoint.json    size and SHA-256 of the files above, and a
                                                       TrainingState

    `checkpoint.json` is written last. A folder without it comes from a process that was killed
    while it wrote, and is ignored. A damaged checkpoint is left out with a warning.

    The last part of the name identifies the process. Two processes that train the same run at once
    never write to the same folder, and each removes only what it wrote or found when it started.
    """

    def __init__(self, folder: str, key: str, read_only: bool = False) -> None:
        """Create the object without touching any file.

        Args:
          folder: a folder or a bucket address for the checkpoints of all runs.
          key: a digest of everything that determines the weights of this run.
          read_only: whether another worker of the same run, the chief, writes the checkpoints.
        """
        self.key = key
        self._folder = folder
        self._read_only = read_only
        self._writer = uuid.uuid4().hex[:_WRITER_DIGITS]
        self._kept: list[str] = []
        self._obsolete: list[str] = []

    def restore(self, model: keras.Model, best_weights: str, model_run_dir: str) -> TrainingState:
        """Restore the newest undamaged checkpoint into a newly compiled model.

        Args:
          model: its variables and those of its optimiser are overwritten.
          best_weights: local file to write the best weights so far to.
          model_run_dir: folder to write TensorBoard's files so far to.

        Returns:
          The restored state, or that of a new run if no checkpoint can be used.

        Raises:
          StoreError: the object store does not answer or denies access.
        """
        self._obsolete = self._list_names()
        for name in reversed(self._obsolete):
            folder = files.join(self._folder, name)
            if not files.exists(files.join(folder, _INDEX)):
                continue
            try:
                state, contents = _read_checkpoint(folder)
                _assign_variables(model, contents.pop(_VARIABLES), folder)
            except InvalidData as error:
                logger.warning("%s This checkpoint is left out.", error)
                continue
            files.write_file(best_weights, contents.pop(_BEST_WEIGHTS))
            _replace_tensorboard(model_run_dir, contents)
            self._obsolete.remove(name)
            self._kept = [name]
            return state
        return TrainingState()

    def save(
        self, model: keras.Model, state: TrainingState, best_weights: str, model_run_dir: str
    ) -> None:
        """Write a checkpoint after an epoch, then remove all but this one and the one before it.

        Args:
          model: the compiled model in training.
          state: how far training has come.
          best_weights: local file with the best weights so far.
          model_run_dir: folder with TensorBoard's files.
        """
        if self._read_only:
            return
        name = f"{self.key}-epoch-{state.epochs}-{self._writer}"
        folder = files.join(self._folder, name)
        described = {}
        for path, content in _list_contents(model, best_weights, model_run_dir):
            files.write_file(files.join(folder, path), content)
            described[path] = _describe(content)
        index = {"files": described, "state": dataclasses.asdict(state)}
        text = json.dumps({**index, "sha256": _digest_index(index)})
        files.write_file(files.join(folder, _INDEX), text)
        self._kept.append(name)
        self._remove(self._obsolete + self._kept[:-_KEPT])
        self._obsolete, self._kept = [], self._kept[-_KEPT:]

    def remove(self) -> None:
        """Remove the checkpoints once the run is complete."""
        if not self._read_only:
            self._remove(self._obsolete + self._kept)

    def _list_names(self) -> list[str]:
        """Return the names of this run's folders in the order of their epochs."""
        if not files.is_folder(self._folder):
            return []
        pattern = re.compile(rf"{self.key}-epoch-(\d+)-\w+")
        matches = filter(None, map(pattern.fullmatch, files.list_folder(self._folder)))
        return [match[0] for match in sorted(matches, key=lambda match: int(match[1]))]

    def _remove(self, names: list[str]) -> None:
        for name in names:
            with suppress(FileNotFoundError):  # another process has removed it
                files.remove_folder(files.join(self._folder, name))


def open_checkpoints(
    settings: Settings,
    fingerprints: list[str],
    transform_dir: str,
    start: str,
    read_only: bool = False,
) -> Checkpoints | None:
    """Return the checkpoints of a run; None if it keeps none.

    Everything that determines the weights determines the key. A run therefore never resumes from
    the checkpoints of a different run.

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
    return Checkpoints(settings.checkpoint_dir, digest.hexdigest()[:_KEY_DIGITS], read_only)


def _list_variables(model: keras.Model) -> list[keras.Variable]:
    """Return every variable that a later epoch depends on, in an order fixed by the model's code.

    `variables`, unlike `weights`, includes the random state of Dropout. Metrics are left out: every
    epoch resets them, and they have no variables before the first fit.
    """
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + list(model.optimizer.variables)


def _list_contents(
    model: keras.Model, best_weights: str, model_run_dir: str
) -> Iterator[tuple[str, bytes]]:
    """Yield the path in the checkpoint and the content of each file."""
    arrays = {
        str(index): keras.ops.convert_to_numpy(variable)
        for index, variable in enumerate(_list_variables(model))
    }
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    yield _VARIABLES, archive.getvalue()
    yield _BEST_WEIGHTS, files.read_bytes(best_weights)
    for folder, _, names in files.walk(files.join(model_run_dir, TENSORBOARD)):
        for name in names:
            path = files.join(folder, name)
            yield path.removeprefix(model_run_dir).lstrip("/"), files.read_bytes(path)


def _read_checkpoint(folder: str) -> tuple[TrainingState, dict[str, bytes]]:
    """Return the state and the content of each file.

    Raises:
      InvalidData: a file is missing or damaged.
    """
    path = files.join(folder, _INDEX)
    content = _read(path)
    try:
        index = json.loads(content)
        whole = index.pop("sha256") == _digest_index(index)
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise InvalidData(f"{path} is damaged.")
    contents = {}
    for name, expected in index["files"].items():
        path = files.join(folder, name)
        contents[name] = _read(path)
        actual = _describe(contents[name])
        if actual["bytes"] != expected["bytes"]:
            raise InvalidData(
                f"{path} is damaged: it has {actual['bytes']:,} bytes instead of "
                f"{expected['bytes']:,}."
            )
        if actual != expected:
            raise InvalidData(f"{path} is damaged: its SHA-256 is not the one in {_INDEX}.")
    return TrainingState(**index["state"]), contents


def _read(path: str) -> bytes:
    try:
        return files.read_bytes(path)
    except StoreError:
        # The checkpoint may be intact, so training again would be the wrong remedy.
        raise
    except FileNotFoundError:
        raise InvalidData(f"{path} is missing.") from None
    except (OSError, tf.errors.OpError) as error:
        raise InvalidData(f"{path} cannot be read ({str(error).splitlines()[0]}).") from error


def _describe(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _digest_index(index: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()


def _assign_variables(model: keras.Model, archive: bytes, folder: str) -> None:
    """Overwrite the variables of a compiled model.

    Raises:
      InvalidData: the variables do not fit, for example after a change of Keras.
    """
    # An optimiser has no variables to overwrite until it is built, which its first use would do.
    with model.distribute_strategy.scope():
        model.optimizer.build(model.trainable_variables)
    variables = _list_variables(model)
    with np.load(io.BytesIO(archive)) as arrays:
        values = [arrays[str(index)] for index in range(len(arrays.files))]
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise InvalidData(f"{files.join(folder, _VARIABLES)} does not fit the model.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _replace_tensorboard(model_run_dir: str, contents: dict[str, bytes]) -> None:
    folder = files.join(model_run_dir, TENSORBOARD)
    if files.exists(folder):
        files.remove_folder(folder)
    for name, content in contents.items():
        files.write_file(files.join(model_run_dir, name), content)
