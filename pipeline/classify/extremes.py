"""Keeps the most and the least certain images of each class, and draws them."""

from __future__ import annotations

import heapq
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.gallery import draw_examples
from data.reading.labels import BAD
from pipeline.classify.batches import Block

_COUNT = 4


@dataclass(order=True)
class _Image:
    score: float
    number: int
    levels: NDArray[np.uint8] = field(compare=False)
    caption: str = field(compare=False)


class Extremes:
    """The images of each class with the greatest and with the least scores."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = list(classes)
        self._most: list[list[_Image]] = [[] for _ in classes]
        self._least: list[list[_Image]] = [[] for _ in classes]
        self._number = 0

    def add(
        self,
        batch: Block,
        levels: NDArray[np.uint8],
        decided: NDArray[np.int64],
        scores: NDArray[np.float32],
    ) -> None:
        """Take classified images into account.

        Args:
          batch: where they come from.
          levels: uint8 [n, height, width].
          decided: int64 [n], the class of each.
          scores: float32 [n].
        """
        for index in np.unique(decided).tolist():
            rows = np.flatnonzero(decided == index)
            order = rows[np.argsort(scores[rows], kind="stable")]
            for row in {*order[:_COUNT].tolist(), *order[-_COUNT:].tolist()}:
                image = _Image(
                    float(scores[row]),
                    -(self._number + row),
                    levels[row].copy(),
                    self._describe(batch, row, index, float(scores[row])),
                )
                self._most[index] = heapq.nlargest(_COUNT, [*self._most[index], image])
                self._least[index] = heapq.nsmallest(_COUNT, [*self._least[index], image])
        self._number += len(levels)

    def draw(self, output: str, title: str) -> Path:
        """Draw a PNG with two rows for each class: the most and the least certain images."""
        examples, captions = {}, {}
        for name, most, least in zip(self._classes, self._most, self._least, strict=True):
            rows = {"most certain": most, "least certain": [i for i in least if i not in most]}
            for kind, images in rows.items():
                if images:
                    examples[f"{name}, {kind}"] = np.stack([image.levels for image in images])
                    captions[f"{name}, {kind}"] = [image.caption for image in images]
        return draw_examples(examples, output, title, captions)

    def _describe(self, batch: Block, row: int, index: int, score: float) -> str:
        path, number = batch.places[row]
        text = f"{self._classes[index]} {score:.4f}"
        label = batch.labels[row]
        if label != BAD and label != index:
            text += f" (label {self._classes[label]})"
        return f"{text}\n{os.path.basename(path)}, row {number}"
