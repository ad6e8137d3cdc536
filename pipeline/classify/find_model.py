"""Finds the model that a folder holds."""

from __future__ import annotations

import os

from data.invalid import InvalidData
from data.storage import files
from trainer.export.pushed_models import PushedModel, find_sound_models, list_pushed_models

_GRAPH = "saved_model.pb"
_SERVING = "serving"


def find_model(folder: str) -> PushedModel:
    """Return the model in a folder.

    Args:
      folder: the folder of one version, or a serving folder, or the output folder of a run. Of
        several versions, the newest whose files are undamaged is taken.

    Raises:
      InvalidData: there is none.
    """
    if files.exists(files.join(folder, _GRAPH)):
        name = os.path.basename(folder.rstrip("/"))
        return PushedModel(int(name) if name.isdecimal() else 0, folder)
    for serving in (folder, files.join(folder, _SERVING)):
        pushed = list_pushed_models(serving)
        if not pushed:
            continue
        if model := next(find_sound_models(serving), None):
            return model
        raise InvalidData(
            f"{serving} holds no model that can be used: the files of all {len(pushed)} versions "
            "are damaged. Train and push another one with: radio-signals run --data DIR"
        )
    raise InvalidData(
        f"{folder} holds no model. Train and push one with `radio-signals run --data DIR`, or name "
        "the folder of another one with --model."
    )
