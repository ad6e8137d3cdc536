"""Runs the layers that remove what does not drift."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from tests.trainer.line_search.paths import CHANNELS, ROWS
from trainer.line_search.standard_rows import StandardRows


def make_cleaner(layer: keras.layers.Layer) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Return a function from images to their rows, cleaned rows, and what a layer removed."""
    image = keras.Input((ROWS, CHANNELS, 1))
    rows = StandardRows(ROWS, CHANNELS)(image)
    model = keras.Model(image, [rows, *layer(rows)])

    def run(images: np.ndarray) -> list[np.ndarray]:
        return [output.numpy() for output in model(np.asarray(images, np.float32)[..., np.newaxis])]

    return run
