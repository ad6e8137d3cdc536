"""Classifies spectrograms and writes a row for each."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.labels import BAD
from pipeline.classify.inputs.batches import Block, LeftOut, fill_batches, map_ahead
from pipeline.classify.inputs.parts import Part
from pipeline.classify.tables import Columns, writing_table
from pipeline.serving.served_model import PROBABILITIES, ServedModel


@dataclass
class Decided:
    """Images that were classified together.

    Attributes:
      batch: where they come from.
      probabilities: float32 [n, classes].
      index: int64 [n], the class of each.
      scores: float32 [n], its probability.
      is_uncertain: bool [n].
    """

    batch: Block
    probabilities: NDArray[np.float32]
    index: NDArray[np.int64]
    scores: NDArray[np.float32]
    is_uncertain: NDArray[np.bool_]


@dataclass
class Outcome:
    """What was classified.

    Attributes:
      decisions: int64 [classes], the number of images of each class.
      uncertain: int64 [classes], how many of these are uncertain.
      confusion: int64 [classes, classes], images with a label: by label, then by class.
      seconds: from the first batch to the last.
    """

    decisions: NDArray[np.int64]
    uncertain: NDArray[np.int64]
    confusion: NDArray[np.int64]
    seconds: float = 0.0

    @property
    def images(self) -> int:
        """Number of images."""
        return int(self.decisions.sum())

    def count(self, decided: Decided) -> None:
        """Count some images."""
        labels, index = decided.batch.labels, decided.index
        known = labels != BAD
        np.add.at(self.decisions, index, 1)
        np.add.at(self.uncertain, index[decided.is_uncertain], 1)
        np.add.at(self.confusion, (labels[known], index[known]), 1)


def classify_images(
    model: ServedModel,
    parts: Sequence[Part],
    output: str | None,
    threshold: float,
    batches: Iterator[Block],
    see: Callable[[Decided, int], None],
) -> Outcome:
    """Classify spectrograms in their order, and write a table.

    Args:
      model: the model.
      parts: where the spectrograms come from.
      output: the table to write; None for standard output.
      threshold: decisions with a lower score are uncertain.
      batches: the spectrograms.
      see: called with each batch that is classified, and the number of images so far.

    Raises:
      InvalidData: a file is damaged, there are too many bad rows, or no good one. No file is
        written then.
    """
    zeros = np.zeros(len(model.classes), np.int64)
    outcome = Outcome(zeros, zeros.copy(), np.outer(zeros, zeros))
    with_labels = any(part.has_labels for part in parts)
    started = time.perf_counter()
    # Who waits for the answer to a row gets it before further rows come.
    in_order = map if any(part.is_live for part in parts) else map_ahead
    with writing_table(output, list_columns(model.classes, with_labels)) as append:
        decide = partial(_decide, model, threshold)
        for decided in in_order(decide, batches):
            outcome.count(decided)
            columns = _make_columns(decided, model.classes)
            append(columns if with_labels else columns[:-1])
            see(decided, outcome.images)
        if not outcome.images:
            raise InvalidData("There is no image to classify.")
    outcome.seconds = time.perf_counter() - started
    return outcome


def read_batches(parts: Sequence[Part], size: int, left_out: LeftOut) -> Iterator[Block]:
    """Yield the spectrograms of all parts in batches, as `fill_batches` does.

    Rows that arrive one by one, as on standard input, do not wait until a batch is full.
    """
    blocks = (block for part in parts for block in part.read())
    return fill_batches(blocks, size, left_out, at_once=any(part.is_live for part in parts))


def _decide(model: ServedModel, threshold: float, batch: Block) -> Decided:
    levels = batch.levels.reshape(-1, model.height, model.width)
    probabilities = model.classify(levels)[PROBABILITIES]
    scores = probabilities.max(axis=1)
    return Decided(batch, probabilities, probabilities.argmax(axis=1), scores, scores < threshold)


def list_columns(classes: Sequence[str], with_labels: bool) -> Columns:
    """Return the columns of the table."""
    return {
        "source": str,
        "row": int,
        "class": str,
        "score": np.float32,
        **{f"p_{name}": np.float32 for name in classes},
        "uncertain": bool,
        **({"label": str} if with_labels else {}),
    }


def _make_columns(decided: Decided, classes: Sequence[str]) -> list[Sequence[object]]:
    paths, rows = zip(*decided.batch.places, strict=True)
    return [
        paths,
        rows,
        [classes[index] for index in decided.index],
        decided.scores,
        *decided.probabilities.T,
        decided.is_uncertain.tolist(),
        [None if index == BAD else classes[index] for index in decided.batch.labels],
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
