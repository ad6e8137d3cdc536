"""Lists the pushed models: the complete versions in the serving folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data.storage import files
from trainer.export.model_card import read_model_card


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
        if name.isdigit() and files.exists(files.join(path, "saved_model.pb")):
            models.append(PushedModel(int(name), path))
    return sorted(models, key=lambda model: model.version)
