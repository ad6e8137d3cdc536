"""Which pushed model a candidate is compared with."""

from __future__ import annotations

import logging
from typing import Any

from trainer.export.pushed_models import PushedModel, pushed_models

logger = logging.getLogger("radio_signals.baseline")

# What a model must share with another for their figures to be comparable.
_MUST_AGREE = ("classes", "height", "width")


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
