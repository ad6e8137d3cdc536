"""The pushed models: complete versions under the serving folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from data.storage.object_store import fileio
from trainer.export.model_card import read_model_card


@dataclass(frozen=True)
class PushedModel:
    """A model under the serving folder.

    Attributes:
      version: name of its folder, seconds since 1970 at the time of the push.
      path: the folder.
    """

    version: int
    path: str

    @property
    def card(self) -> dict[str, Any]:
        """What the model says of itself, see `trainer.export.model_card`; read at each call."""
        return read_model_card(self.path)


def pushed_models(serving_dir: str) -> list[PushedModel]:
    """Return the complete models under a serving folder, oldest first.

    A folder without `saved_model.pb`, which a push writes last, is a push cut short and does
    not count; neither does a folder whose name is not a version number.
    """
    if not fileio.isdir(serving_dir):
        return []
    models = []
    for name in fileio.listdir(serving_dir):
        name = name.rstrip("/")
        path = os.path.join(serving_dir, name)
        if name.isdigit() and fileio.exists(os.path.join(path, "saved_model.pb")):
            models.append(PushedModel(int(name), path))
    return sorted(models, key=lambda model: model.version)
