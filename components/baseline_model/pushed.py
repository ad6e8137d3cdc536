"""Which pushed model is the newest, and which exported model it was."""

from __future__ import annotations

import os
from dataclasses import dataclass

import tensorflow as tf

from trainer.model_card import read_model_card


@dataclass(frozen=True)
class PushedModel:
    """A model under the serving folder.

    Attributes:
      version: name of its folder, seconds since 1970 at the time of the push.
      path: the folder.
      model_id: identity of the exported model, the same in every copy of it.
    """

    version: int
    path: str
    model_id: str


def pushed_models(serving_dir: str) -> list[PushedModel]:
    """Return the complete models under a serving folder, oldest first.

    A folder without `saved_model.pb`, which a push writes last, is a push cut short and does
    not count; neither does a folder whose name is not a version number.
    """
    if not tf.io.gfile.isdir(serving_dir):
        return []
    models = []
    for name in tf.io.gfile.listdir(serving_dir):
        name = name.rstrip("/")
        path = os.path.join(serving_dir, name)
        if name.isdigit() and tf.io.gfile.exists(os.path.join(path, "saved_model.pb")):
            models.append(PushedModel(int(name), path, read_model_card(path).get("model_id", "")))
    return sorted(models, key=lambda model: model.version)


def newest_other_model(serving_dir: str, candidate_id: str) -> PushedModel | None:
    """Return the newest pushed model that is not a copy of the candidate; None if there is none.

    A candidate that was pushed by an earlier, identical run is not its own baseline: without
    this, repeating a run would evaluate the model against itself and push it again.
    """
    others = [model for model in pushed_models(serving_dir) if model.model_id != candidate_id]
    return others[-1] if others else None
