"""Figures of one evaluation, read from what the Evaluator and the Trainer wrote."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn.metrics import classification_report

from components.evaluator.confidence_intervals import LEVEL
from components.evaluator.evaluation import Evaluation, read_evaluation
from components.evaluator.failed_thresholds import failed_thresholds
from components.evaluator.metric_names import DECISION_FIGURES, RANKING_FIGURES
from components.spectrogram_example_gen.examples_artifact import FINDINGS_FILE
from data.reading.problems import Problem
from trainer.export.model_run import TRAINING_FACTS, TRAINING_LOG


@dataclass(frozen=True)
class Results:
    """Everything the report shows.

    Attributes:
      classes: names in the order of the confusion matrix.
      evaluation: the Evaluator's figures, with intervals, averages, slices and those of the
        baseline.
      failures: a sentence for each threshold missed.
      blessed: whether the model may be pushed.
      pushed_to: folder of the pushed model, None if it was not pushed.
      data: where the data came from, and whether they are simulated.
      data_fingerprint: identity of the data files, empty where no driver took it.
      dropped_rows: bad rows that were left out, a sentence each.
      data_warnings: what else was odd about the data, a sentence each.
      training: model, epochs, images a second, parameters and the other training facts.
      training_log: columns of the training log by name.
    """

    classes: list[str]
    evaluation: Evaluation
    failures: list[str]
    blessed: bool
    pushed_to: str | None
    data: str
    data_fingerprint: str
    dropped_rows: list[str]
    data_warnings: list[str]
    training: dict[str, Any]
    training_log: dict[str, list[float]]

    @property
    def accuracy(self) -> float:
        """Part of the validation images classified rightly."""
        return self.evaluation.overall.accuracy.value or 0.0

    @property
    def confusion_matrix(self) -> np.ndarray:
        """Int [classes, classes], rows actual, columns predicted."""
        return self.evaluation.overall.confusion_matrix

    def as_json(self) -> dict[str, Any]:
        """The content of metrics.json, less what only the runner knows."""
        overall, baseline = self.evaluation.overall, self.evaluation.baseline
        return {
            "accuracy": self.accuracy,
            "classes": {name: self._of_class(name) for name in self.classes},
            "confusion_matrix": self.confusion_matrix.tolist(),
            "blessed": self.blessed,
            "failed_thresholds": self.failures,
            "pushed_to": self.pushed_to,
            "data": self.data,
            "data_fingerprint": self.data_fingerprint,
            "dropped_rows": self.dropped_rows,
            "data_warnings": self.data_warnings,
            "training": self.training,
            "balanced_accuracy": overall.balanced_accuracy.value,
            "lowest_recall": overall.lowest_recall.value,
            "averages": {
                average: {figure: found.value for figure, found in means.items()}
                for average, means in overall.averages.items()
            },
            "intervals": {"level": LEVEL, **overall.intervals()},
            "slices": [of_slice.as_json() for of_slice in self.evaluation.slices],
            "baseline": {**baseline.as_json(), "change": self.evaluation.change()}
            if baseline
            else None,
        }

    def _of_class(self, name: str) -> dict[str, float | int | None]:
        found = self.evaluation.overall.by_class[name]
        return {
            # 0 where undefined, as scikit-learn has it.
            **{figure: found[figure].value or 0.0 for figure in DECISION_FIGURES},
            "support": self.evaluation.overall.support[name],
            **{figure: found[figure].value for figure in RANKING_FIGURES},
        }

    def classification_report(self) -> str:
        """The table as scikit-learn prints it.

        The confusion matrix holds every (actual, predicted) pair with its count, which is all
        that scikit-learn needs; no second prediction pass is made.
        """
        actual, predicted = np.nonzero(self.confusion_matrix)
        counts = self.confusion_matrix[actual, predicted]
        return classification_report(
            np.repeat(actual, counts),
            np.repeat(predicted, counts),
            labels=range(len(self.classes)),
            target_names=self.classes,
            digits=4,
            zero_division=0,
        )


def read_results(
    examples_dir: str,
    evaluation_dir: str,
    model_run_dir: str,
    classes: list[str],
    blessed: bool,
    pushed_to: str | None,
    data: str,
    data_fingerprint: str,
) -> Results:
    """Read the outputs of ingest, Evaluator and Trainer.

    Args:
      examples_dir: the examples, beside which is what was found in the data.
      evaluation_dir: the Evaluator's `evaluation`.
      model_run_dir: the Trainer's `model_run`.
      classes: names in the order of the label columns.
      blessed, pushed_to: the verdict, and where the model went.
      data: where the data came from, in words.
      data_fingerprint: identity of the data files.
    """
    findings = _read_json(os.path.join(examples_dir, FINDINGS_FILE))

    return Results(
        classes=classes,
        evaluation=read_evaluation(evaluation_dir, classes),
        failures=failed_thresholds(evaluation_dir),
        blessed=blessed,
        pushed_to=pushed_to,
        data=data,
        data_fingerprint=data_fingerprint,
        dropped_rows=[str(Problem(**row)) for row in findings["dropped_rows"]],
        data_warnings=[str(Problem(**row)) for row in findings["warnings"]],
        training=_read_json(os.path.join(model_run_dir, TRAINING_FACTS)),
        training_log=_read_training_log(os.path.join(model_run_dir, TRAINING_LOG)),
    )


def _read_json(path: str) -> dict[str, Any]:
    with tf.io.gfile.GFile(path) as file:
        return json.load(file)


def _read_training_log(path: str) -> dict[str, list[float]]:
    with tf.io.gfile.GFile(path) as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}
