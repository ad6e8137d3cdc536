"""What an exported model says of itself: a small JSON file inside the SavedModel."""

from __future__ import annotations

import json
import os
from typing import Any

from data.storage.object_store import fileio

# A folder that TensorFlow Serving leaves alone, meant for what else belongs to a model.
MODEL_CARD = os.path.join("assets.extra", "model.json")


def write_model_card(model_dir: str, card: dict[str, Any]) -> None:
    """Write the card of the SavedModel in `model_dir`."""
    path = os.path.join(model_dir, MODEL_CARD)
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "w") as file:
        json.dump(card, file, indent=2)


def read_model_card(model_dir: str) -> dict[str, Any]:
    """Return the card of a SavedModel; empty for a model that has none."""
    path = os.path.join(model_dir, MODEL_CARD)
    if not fileio.exists(path):
        return {}
    with fileio.open(path) as file:
        return json.load(file)
