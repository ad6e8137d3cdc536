"""Keeps the most and the least certain images of each class, and draws them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.plots.gallery import draw_examples
from data.reading.labels import BAD
from data.reading.layout import Layout
from pipeline.classify.images import Decided

_COUNT = 4


@dataclass(order=True)
class _Image:
    score: float
    number: int
    levels: NDArray[np.uint8] = field(compare=False)
    caption: str = field(compare=False)


class Extremes:
    """The images of each class with the greatest and with the least scores."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._most: list[list[_Image]] = [[] for _ in layout.classes]
        self._least: list[list[_Image]] = [[] for _ in layout.classes]
        self._number = 0

    def add(self, decided: Decided) -> None:
        """Take classified images into account."""
        for index in np.unique(decided.index).tolist():
            rows = np.flatnonzero(decided.index == index)
            order = rows[np.argsort(decided.scores[rows], kind="stable")]
            for row in {*order[:_COUNT].tolist(), *order[-_COUNT:].tolist()}:
                image = _Image(
                    float(decided.scores[row]),
                    -(self._number + row),
                    decided.batch.levels[row].copy(),
                    self._describe(decided, row),
                )
                self._most[index] = heapq.nlargest(_COUNT, [*self._most[index], image])
                self._least[index] = heapq.nsmallest(_COUNT, [*self._least[index], image])
        self._number += len(decided.index)

    def draw(self, output: str, title: str) -> Path:
        """Draw a PNG with two rows for each class: the most and the least certain images."""
        examples, captions = {}, {}
        shape = (-1, self._layout.height, self._layout.width)
        for name, most, least in zip(self._layout.classes, self._most, self._least, strict=True):
            rows = {"most certain": most, "least certain": [i for i in least if i not in most]}
            for kind, images in rows.items():
                if images:
                    examples[f"{name}, {kind}"] = np.reshape(
                        [image.levels for image in images], shape
                    )
                    captions[f"{name}, {kind}"] = [image.caption for image in images]
        return draw_examples(examples, output, title, captions)

    def _describe(self, decided: Decided, row: int) -> str:
        path, number = decided.batch.places[row]
        index, label = decided.index[row], decided.batch.labels[row]
        text = f"{self._layout.classes[index]} {decided.scores[row]:.4f}"
        if label not in (BAD, index):
            text += f" (label {self._layout.classes[label]})"
        return f"{text}\n{'/'.join(Path(path).parts[-2:])}, row {number}"
