"""The model card: a small JSON file in the SavedModel that describes the model."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import TYPE_CHECKING, Any

from data.fingerprint import fingerprint_file
from data.invalid import InvalidData
from data.storage import files
from data.storage.checked_json import read_checked_json, write_checked_json

if TYPE_CHECKING:
    import keras

# TensorFlow Serving ignores the folder `assets.extra`, which is meant for such files.
MODEL_CARD = files.join("assets.extra", "model.json")


_PACKAGES = (
    *("radio-signals", "tfx", "tensorflow", "keras", "tensorflow-transform"),
    *("tensorflow-model-analysis", "tensorflow-data-validation", "apache-beam", "ml-metadata"),
    *("numpy", "scikit-learn"),
)


def write_model_card(model_dir: str, card: dict[str, Any]) -> None:
    """Write the card of the SavedModel in `model_dir`."""
    write_checked_json(files.join(model_dir, MODEL_CARD), card)


def read_model_card(model_dir: str) -> dict[str, Any]:
    """Return the card of a SavedModel; empty for a model that has none.

    Raises:
      InvalidData: the card is damaged.
    """
    try:
        return read_checked_json(files.join(model_dir, MODEL_CARD))
    except FileNotFoundError:
        return {}


def describe_files(model_dir: str) -> dict[str, str]:
    """Return the SHA-256 of each file of a SavedModel, as the card's `files` hold them."""
    return {
        files.join(folder, name).removeprefix(model_dir).lstrip("/"): fingerprint_file(
            files.join(folder, name)
        )
        for folder, _, names in files.walk(model_dir)
        for name in names
    }


def find_damage(model_dir: str) -> str:
    """Return what is wrong with the files of a SavedModel; empty if they are as exported.

    A model without a card, or with a card that names no files, counts as undamaged.
    """
    try:
        expected = read_model_card(model_dir).get("files", {})
    except InvalidData:
        return f"{MODEL_CARD} is damaged"
    for name, digest in expected.items():
        try:
            actual = fingerprint_file(files.join(model_dir, name))
        except FileNotFoundError:
            return f"{name} is missing"
        if actual != digest:
            return f"{name} is damaged"
    return ""


def list_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a model and its metrics depend on."""
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in _PACKAGES
    }


def list_weight_shapes(model: keras.Model) -> list[list[int]]:
    """Return the shape of each weight, in the model's order, as the card's `weights` hold them."""
    return [list(weight.shape) for weight in model.weights]
