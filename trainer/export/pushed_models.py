"""Pushes models into the serving folder, and lists the complete versions there."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from data.storage import files
from trainer.export.model_card import find_damage, read_model_card

_LOG = logging.getLogger("radio_signals.serving")

_GRAPH = "saved_model.pb"


@dataclass(frozen=True)
class PushedModel:
    """A model in the serving folder.

    Attributes:
      version: name of its folder, seconds since 1970 at the time of the push.
      path: the folder.
    """

    version: int
    path: str

    @property
    def card(self) -> dict[str, Any]:
        """The model card, see `trainer.export.model_card`; read at each call."""
        return read_model_card(self.path)


def push_model(model_dir: str, serving_dir: str) -> PushedModel:
    """Copy a model into a serving folder as the newest version, unless it is that already.

    The version is the time of the push in seconds since 1970, or one more than the newest version
    if the clock is behind that. A server that watches the folder sees all of the model or nothing;
    in an object store, `saved_model.pb` appears last.

    Args:
      model_dir: folder of the SavedModel.
      serving_dir: folder or bucket address that holds one folder for each version.
    """
    names = files.list_folder(serving_dir) if files.is_folder(serving_dir) else []
    for name in names:
        if name.startswith(files.UNFINISHED):  # of a push that was killed
            files.remove_folder(files.join(serving_dir, name))
    pushed = next(find_sound_models(serving_dir), None)
    if pushed and pushed.card and pushed.card == read_model_card(model_dir):
        # The run that pushed it was killed before it could record that.
        return pushed
    newest = max((int(name) for name in names if name.isdigit()), default=0)
    version = max(int(time.time()), newest + 1)
    path = files.join(serving_dir, str(version))
    copy_model(model_dir, path)
    return PushedModel(version, path)


def copy_model(model_dir: str, target: str) -> None:
    """Copy a SavedModel to a path that does not exist. The copy appears whole.

    In an object store, `saved_model.pb`, which tells that a model is complete, appears last.
    """
    files.publish_folder(model_dir, target, last=_GRAPH)


def list_pushed_models(serving_dir: str) -> list[PushedModel]:
    """Return the complete models in a serving folder, oldest first.

    A push writes `saved_model.pb` last, so a folder without this file is an unfinished push and is
    ignored. So is a folder whose name is not a version number.
    """
    if not files.is_folder(serving_dir):
        return []
    models = []
    for name in files.list_folder(serving_dir):
        path = files.join(serving_dir, name)
        if name.isdigit() and files.exists(files.join(path, _GRAPH)):
            models.append(PushedModel(int(name), path))
    return sorted(models, key=lambda model: model.version)


def find_sound_models(serving_dir: str) -> Iterator[PushedModel]:
    """Yield the models in a serving folder whose files are as they were exported, newest first.

    A damaged model is left out with a warning.
    """
    for model in reversed(list_pushed_models(serving_dir)):
        damage = find_damage(model.path)
        if damage:
            _LOG.warning(
                "%s is left out because %s. Remove this folder, so that no server loads it.",
                model.path,
                damage,
            )
        else:
            yield model
