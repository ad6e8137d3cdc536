"""The spectrograms on the page: some of each class that are correct, wrong or uncertain."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.report.predictions import Predictions
from data.plots.contrast import find_contrast_limits

SHOWN = 4
"""Largest number of spectrograms of each class in a gallery."""

# Side by side on a page, wider pictures show no more detail and make the page large.
_MAX_WIDTH = 192


@dataclass(frozen=True)
class Picture:
    """A spectrogram and its classification.

    Attributes:
      png: grey levels, contrast stretched; time downwards, frequency to the right.
      actual: name of the actual class.
      predicted: name of the predicted class.
      probability: probability of the predicted class.
      probability_of_actual: probability of the actual class.
      file: its file in the data.
      row: its 1-based row in the file.
    """

    png: bytes
    actual: str
    predicted: str
    probability: float
    probability_of_actual: float
    file: str
    row: int

    @property
    def is_correct(self) -> bool:
        """Whether the predicted class is the actual one."""
        return self.actual == self.predicted


@dataclass(frozen=True)
class Gallery:
    """Pictures of one kind.

    Attributes:
      title: the kind.
      explanation: how they were chosen.
      by_class: at most `SHOWN` pictures by name of the actual class.
    """

    title: str
    explanation: str
    by_class: dict[str, list[Picture]]

    @property
    def is_empty(self) -> bool:
        """Whether no class has a picture."""
        return not any(self.by_class.values())


def choose_galleries(predictions: Predictions, classes: Sequence[str]) -> list[Gallery]:
    """Choose the pictures of a report.

    Args:
      predictions: predictions for the evaluated split.
      classes: class names in the order of the label columns.
    """
    is_correct = predictions.predicted == predictions.labels
    uncertainty = -predictions.confidence
    margin = np.diff(np.sort(predictions.probabilities, axis=1)[:, -2:], axis=1)[:, 0]

    def choose(
        candidates: NDArray[np.bool_], order: NDArray[Any], evenly: bool
    ) -> dict[str, list[Picture]]:
        return {
            name: [
                _picture(predictions, classes, position)
                for position in _choose(candidates & (predictions.labels == index), order, evenly)
            ]
            for index, name in enumerate(classes)
        }

    return [
        Gallery(
            "Correct",
            "Chosen evenly from the most confident prediction to the least confident one.",
            choose(is_correct, uncertainty, evenly=True),
        ),
        Gallery(
            "Most confidently wrong",
            "Either the model still has to learn these, or their labels are wrong.",
            choose(~is_correct, uncertainty, evenly=False),
        ),
        Gallery(
            "Least certain",
            "The probabilities of the two most probable classes are closest here, whether the "
            "prediction is correct or wrong.",
            choose(np.ones_like(is_correct), margin, evenly=False),
        ),
    ]


def _choose(candidates: NDArray[np.bool_], order: NDArray[Any], evenly: bool) -> list[int]:
    """Return the positions of at most `SHOWN` candidates, the lowest in the order first."""
    positions = np.flatnonzero(candidates)
    positions = positions[np.argsort(order[positions], kind="stable")]
    count = min(len(positions), SHOWN)
    last = len(positions) - 1 if evenly else count - 1
    chosen: list[int] = positions[np.linspace(0, last, count).round().astype(int)].tolist()
    return chosen


def _picture(predictions: Predictions, classes: Sequence[str], position: int) -> Picture:
    actual, predicted = predictions.labels[position], predictions.predicted[position]
    probabilities = predictions.probabilities[position]
    return Picture(
        _encode_png(predictions.images[position]),
        classes[actual],
        classes[predicted],
        float(probabilities[predicted]),
        float(probabilities[actual]),
        str(predictions.files[position]),
        int(predictions.rows[position]),
    )


def _encode_png(levels: NDArray[np.uint8]) -> bytes:
    """Draw uint8 [H, W], averaged down to `_MAX_WIDTH`."""
    pixels = Image.fromarray(levels)
    factor = -(-pixels.width // _MAX_WIDTH)
    values = np.asarray(pixels.reduce(factor), np.float32)
    darkest, lightest = find_contrast_limits(values)
    stretched = np.clip((values - darkest) / max(lightest - darkest, 1) * 255, 0, 255)
    buffer = io.BytesIO()
    Image.fromarray(stretched.astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
