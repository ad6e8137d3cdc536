"""The model card: a small JSON file in the SavedModel that describes the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from data.storage import files

if TYPE_CHECKING:
    import keras

# TensorFlow Serving ignores the folder `assets.extra`, which is meant for such files.
MODEL_CARD = files.join("assets.extra", "model.json")


def write_model_card(model_dir: str, card: dict[str, Any]) -> None:
    """Write the card of the SavedModel in `model_dir`."""
    files.write_file(files.join(model_dir, MODEL_CARD), json.dumps(card, indent=2))


def read_model_card(model_dir: str) -> dict[str, Any]:
    """Return the card of a SavedModel; empty for a model that has none."""
    path = files.join(model_dir, MODEL_CARD)
    if not files.exists(path):
        return {}
    card: dict[str, Any] = json.loads(files.read_text(path))
    return card


def list_weight_shapes(model: keras.Model) -> list[list[int]]:
    """Return the shape of each weight, in the model's order, as the card's `weights` hold them."""
    return [list(weight.shape) for weight in model.weights]
