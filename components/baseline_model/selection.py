"""Selects the pushed model that a candidate is compared with."""

from __future__ import annotations

import logging
from typing import Any

from trainer.export.pushed_models import PushedModel, find_sound_models

_LOG = logging.getLogger("radio_signals.baseline")

# Metrics of two models are comparable only if these entries of their model cards are equal.
_MUST_AGREE = ("classes", "height", "width")


def select_baseline(serving_dir: str, candidate: dict[str, Any]) -> PushedModel | None:
    """Return the newest pushed model that a candidate can be compared with, or None.

    Two kinds of models are left out. One is a copy of the candidate that an earlier, identical
    run pushed: a repeated run would otherwise compare the model with itself and push it again.
    The other is a model for other classes or another image size.

    Args:
      serving_dir: folder or bucket address that holds one folder for each version.
      candidate: the model card of the candidate.
    """
    for model in find_sound_models(serving_dir):
        card = model.card
        if card.get("model_id") == candidate.get("model_id"):
            continue
        if any(card.get(key) != candidate.get(key) for key in _MUST_AGREE):
            _LOG.warning(
                "%s is for other classes or another image size, so it is not a baseline", model.path
            )
            continue
        return model
    return None
