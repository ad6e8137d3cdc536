"""Finds the model that a folder holds."""

from __future__ import annotations

import os

from data.invalid import InvalidData
from data.storage import files
from trainer.export.pushed_models import PushedModel, find_sound_models, list_pushed_models

_GRAPH = "saved_model.pb"
_SERVING = "serving"
# In the card of a model that was pushed without a blessing; see `components.pusher`.
_FORCE_PUSH_REASON = "force_push_reason"


def find_model(folder: str, blessed: bool = False) -> PushedModel:
    """Return the model in a folder.

    Args:
      folder: the folder of one version, or a serving folder, or the output folder of a run. Of
        several versions, the newest whose files are undamaged is taken.
      blessed: whether to pass over versions that were pushed without a blessing.

    Raises:
      InvalidData: there is none.
    """
    if files.exists(files.join(folder, _GRAPH)):
        name = os.path.basename(folder.rstrip("/"))
        return PushedModel(int(name) if name.isdecimal() else 0, folder)
    for serving in (folder, files.join(folder, _SERVING)):
        pushed = list_pushed_models(serving)
        for model in find_sound_models(serving):
            if not (blessed and model.card.get(_FORCE_PUSH_REASON)):
                return model
        if pushed:
            faults = "damaged or were pushed without a blessing" if blessed else "damaged"
            raise InvalidData(
                f"{serving} holds no model that can be used: all {len(pushed)} versions are "
                f"{faults}. Train and push another one with: radio-signals run --data DIR"
            )
    raise InvalidData(
        f"{folder} holds no model. Train and push one with `radio-signals run --data DIR`, or name "
        "the folder of another one with --model."
    )
