"""Which pushed model is the newest, and which exported model it was."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from trainer.model_card import read_model_card

logger = logging.getLogger("radio_signals.baseline")

# What a model must share with another for their figures to be comparable.
_MUST_AGREE = ("classes", "height", "width")


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
        """What the model says of itself, see `trainer.model_card`; read at each call."""
        return read_model_card(self.path)


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
            models.append(PushedModel(int(name), path))
    return sorted(models, key=lambda model: model.version)


def newest_baseline(serving_dir: str, candidate: dict[str, Any]) -> PushedModel | None:
    """Return the newest pushed model that a candidate can be compared with, or None.

    A copy of the candidate, pushed by an earlier, identical run, is not its baseline: repeating
    a run would otherwise evaluate the model against itself and push it again. Neither is a model
    for other classes or another image size.

    Args:
      serving_dir: folder or bucket address that holds one folder a version.
      candidate: the candidate's model card.
    """
    for model in reversed(pushed_models(serving_dir)):
        card = model.card
        if card.get("model_id") == candidate.get("model_id"):
            continue
        if any(card.get(key) != candidate.get(key) for key in _MUST_AGREE):
            logger.warning("%s answers another question: no baseline", model.path)
            continue
        return model
    return None
