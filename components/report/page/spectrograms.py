"""The spectrograms that are shown: of each class some right ones, the worst, the undecided."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.report.predictions import Predictions
from data.contrast import shown_range

# Of each class.
SHOWN = 4

# Seen side by side, pictures of more pixels show no more and make the page heavy.
_WIDEST = 192


@dataclass(frozen=True)
class Picture:
    """A spectrogram and what the model says of it.

    Attributes:
      png: grey levels, contrast stretched; time down, frequency to the right.
      actual, predicted: class names.
      probability: of the predicted class.
      of_actual: probability of the actual class.
      file, row: where it is in the data, the row as people count them.
    """

    png: bytes
    actual: str
    predicted: str
    probability: float
    of_actual: float
    file: str
    row: int

    @property
    def right(self) -> bool:
        """Whether the predicted class is the actual one."""
        return self.actual == self.predicted


@dataclass(frozen=True)
class Gallery:
    """Pictures of one kind.

    Attributes:
      title: the kind.
      explanation: how they were chosen, a sentence.
      by_class: by name of the actual class, `SHOWN` at most.
    """

    title: str
    explanation: str
    by_class: dict[str, list[Picture]]

    @property
    def empty(self) -> bool:
        """Whether no class has a picture."""
        return not any(self.by_class.values())


def galleries(predictions: Predictions, classes: Sequence[str]) -> list[Gallery]:
    """Choose the pictures of a report.

    Args:
      predictions: of the validation split.
      classes: names in the order of the label columns.
    """
    right = predictions.predicted == predictions.labels
    confidence = predictions.confidence
    margin = -np.diff(np.sort(predictions.probabilities, axis=1)[:, -2:], axis=1)[:, 0]
    chosen = (
        (
            "Right",
            "Evenly spread over the confidence with which they were recognised, surest first.",
            lambda of_class: _spread(of_class & right, confidence),
        ),
        (
            "Most confidently wrong",
            "Either the model has something to learn from these, or their labels are wrong.",
            lambda of_class: _first(of_class & ~right, -confidence),
        ),
        (
            "Least certain",
            "The two most probable classes are closest to each other here, right or wrong.",
            lambda of_class: _first(of_class, -margin),
        ),
    )
    return [
        Gallery(
            title,
            explanation,
            {
                name: [
                    _picture(predictions, classes, position)
                    for position in choose(predictions.labels == index)
                ]
                for index, name in enumerate(classes)
            },
        )
        for title, explanation, choose in chosen
    ]


def _first(candidates: np.ndarray, least: np.ndarray) -> list[int]:
    positions = np.flatnonzero(candidates)
    return positions[np.argsort(least[positions], kind="stable")[:SHOWN]].tolist()


def _spread(candidates: np.ndarray, confidence: np.ndarray) -> list[int]:
    positions = np.flatnonzero(candidates)
    surest_first = positions[np.argsort(-confidence[positions], kind="stable")]
    if len(surest_first) <= SHOWN:
        return surest_first.tolist()
    return surest_first[np.linspace(0, len(positions) - 1, SHOWN).round().astype(int)].tolist()


def _picture(predictions: Predictions, classes: Sequence[str], position: int) -> Picture:
    actual, predicted = predictions.labels[position], predictions.predicted[position]
    probabilities = predictions.probabilities[position]
    return Picture(
        _png(predictions.images[position]),
        classes[actual],
        classes[predicted],
        float(probabilities[predicted]),
        float(probabilities[actual]),
        str(predictions.files[position]),
        int(predictions.rows[position]),
    )


def _png(levels: np.ndarray) -> bytes:
    """Draw uint8 [H, W], averaged down to what a page has room for."""
    factor = -(-levels.shape[1] // _WIDEST)
    pixels = Image.fromarray(levels)
    if factor > 1:
        pixels = pixels.reduce(factor)
    values = np.asarray(pixels, np.float32)
    darkest, lightest = shown_range(values)
    stretched = np.clip((values - darkest) / max(lightest - darkest, 1) * 255, 0, 255)
    buffer = io.BytesIO()
    Image.fromarray(stretched.astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
