"""Stores the weights of an exported model once more, for a warm start to read.

The graph of the SavedModel holds them as constants, which load faster than variables.
"""

from __future__ import annotations

import io

import keras
import numpy as np

from data.storage import files

NETWORK_WEIGHTS = files.join("assets.extra", "network_weights.npz")


def write_network_weights(model: keras.Model, model_dir: str) -> None:
    """Write the weights of a model, in the model's order, into the folder of a SavedModel."""
    archive = io.BytesIO()
    np.savez(archive, *model.get_weights())
    files.write_file(files.join(model_dir, NETWORK_WEIGHTS), archive.getvalue())


def load_network_weights(model: keras.Model, model_dir: str) -> None:
    """Load the weights in the folder of a SavedModel into a built model of the same shapes."""
    content = files.read_bytes(files.join(model_dir, NETWORK_WEIGHTS))
    with np.load(io.BytesIO(content)) as arrays:
        model.set_weights([arrays[name] for name in arrays.files])
