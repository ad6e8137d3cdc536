"""Classifies spectrograms and writes a row for each."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.labels import BAD
from pipeline.classify.batches import Block, LeftOut, fill_batches, read_ahead
from pipeline.classify.extremes import Extremes
from pipeline.classify.parts import Part
from pipeline.classify.tables import Columns, writing_table
from pipeline.serving.served_model import PROBABILITIES, ServedModel


@dataclass
class Outcome:
    """What was classified.

    Attributes:
      seconds: from the first batch to the last.
      decisions: int64 [classes], the number of images of each class.
      uncertain: int64 [classes], how many of these are uncertain.
      confusion: int64 [classes, classes], images with a label: by label, then by class.
    """

    seconds: float
    decisions: NDArray[np.int64]
    uncertain: NDArray[np.int64]
    confusion: NDArray[np.int64]

    @property
    def images(self) -> int:
        """Number of images."""
        return int(self.decisions.sum())

    def count(
        self,
        decided: NDArray[np.int64],
        labels: NDArray[np.int64],
        is_uncertain: NDArray[np.bool_],
    ) -> None:
        """Count some images: the class of each, its label, and whether it is uncertain."""
        np.add.at(self.decisions, decided, 1)
        np.add.at(self.uncertain, decided[is_uncertain], 1)
        known = labels != BAD
        np.add.at(self.confusion, (labels[known], decided[known]), 1)


def classify_images(
    model: ServedModel,
    parts: Sequence[Part],
    output: str | None,
    threshold: float,
    batch_size: int,
    left_out: LeftOut,
    extremes: Extremes | None,
    advance: Callable[[int], None],
) -> Outcome:
    """Classify all spectrograms in their order.

    Args:
      model: the model.
      parts: what to read.
      output: the table to write; None for standard output.
      threshold: decisions with a lower score are uncertain.
      batch_size: images that the model gets at a time.
      left_out: takes the bad rows.
      extremes: takes the most and the least certain images; None if nobody wants them.
      advance: called with the number of images that are classified.

    Raises:
      InvalidData: a file is damaged, there are too many bad rows, or no good one. No file is
        written then.
    """
    classes = len(model.classes)
    zeros = np.zeros(classes, np.int64)
    outcome = Outcome(0.0, zeros, zeros.copy(), np.zeros((classes, classes), np.int64))
    with_labels = any(part.has_labels for part in parts)
    is_live = any(part.is_live for part in parts)
    blocks = (block for part in parts for block in part.read())
    started = time.perf_counter()
    with writing_table(output, _list_columns(model.classes, with_labels)) as append:
        for batch in read_ahead(fill_batches(blocks, batch_size, left_out, is_live)):
            levels = batch.levels.reshape(-1, model.height, model.width)
            probabilities = model.classify(levels)[PROBABILITIES]
            decided, scores = probabilities.argmax(axis=1), probabilities.max(axis=1)
            is_uncertain = scores < threshold
            outcome.count(decided, batch.labels, is_uncertain)
            columns = _make_columns(batch, probabilities, decided, is_uncertain, model.classes)
            append(columns if with_labels else columns[:-1])
            if extremes is not None:
                extremes.add(batch, levels, decided, scores)
            advance(outcome.images)
        if not outcome.images:
            raise InvalidData("There is no image to classify.")
    outcome.seconds = time.perf_counter() - started
    return outcome


def _list_columns(classes: Sequence[str], with_labels: bool) -> Columns:
    return {
        "source": str,
        "row": int,
        "class": str,
        "score": np.float32,
        **{f"p_{name}": np.float32 for name in classes},
        "uncertain": bool,
        **({"label": str} if with_labels else {}),
    }


def _make_columns(
    batch: Block,
    probabilities: NDArray[np.float32],
    decided: NDArray[np.int64],
    is_uncertain: NDArray[np.bool_],
    classes: Sequence[str],
) -> list[Sequence[object]]:
    paths, rows = zip(*batch.places, strict=True)
    return [
        paths,
        rows,
        [classes[index] for index in decided],
        probabilities.max(axis=1),
        *probabilities.T,
        is_uncertain.tolist(),
        [None if index == BAD else classes[index] for index in batch.labels],
    ]


def describe_confusion(confusion: NDArray[np.int64], classes: Sequence[str]) -> str:
    """Return scikit-learn's classification report.

    Args:
      confusion: int64 [classes, classes], images by label, then by class.
      classes: names of the classes.
    """
    from sklearn.metrics import classification_report

    actual, predicted = np.indices(confusion.shape).reshape(2, -1)
    table: str = classification_report(
        actual,
        predicted,
        sample_weight=confusion.ravel(),
        labels=range(len(classes)),
        target_names=list(classes),
        digits=4,
        zero_division=0,
    )
    # Weights are no whole numbers to scikit-learn.
    return re.sub(r"( +\d+)\.0$", r"  \1", table, flags=re.MULTILINE)
