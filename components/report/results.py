"""Results of a run, read from the outputs of the other steps."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import classification_report
from tfx.components.example_gen.utils import FINGERPRINT_PROPERTY_NAME
from tfx.components.util import model_utils
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.evaluator.confidence_intervals import LEVEL
from components.evaluator.evaluation import Evaluation, read_evaluation
from components.evaluator.failed_thresholds import describe_failed_thresholds
from components.evaluator.metric_names import DECISION_METRICS, RANKING_METRICS
from components.pusher.component import FORCE_PUSH_REASON
from components.spectrogram_example_gen.examples_artifact import (
    FINDINGS_FILE,
    SOURCE_PROPERTY,
    find_evaluated_split,
)
from data.reading.problems import Problem
from data.storage import files
from trainer.export.model_run import TRAINING_FACTS, TRAINING_LOG


@dataclass(frozen=True)
class Results:
    """The results of a run.

    Attributes:
      classes: class names in the order of the confusion matrix.
      evaluated_split: the split that the Evaluator measured.
      evaluation: the metrics of the Evaluator.
      failures: a sentence for each threshold that the model failed.
      blessed: whether the model may be pushed.
      pushed_to: folder of the pushed model, None if it was not pushed.
      force_push_reason: why it was pushed although it is not blessed; None otherwise.
      data: where the data came from, and whether they are simulated.
      data_fingerprint: fingerprint of the data files, empty if none was computed.
      dropped_rows: a sentence for each bad row that was dropped.
      data_warnings: a sentence for each warning about the data.
      training: model, epochs, images per second, parameters and other facts about the training.
      training_log: columns of the training log by name.
    """

    classes: list[str]
    evaluated_split: str
    evaluation: Evaluation
    failures: list[str]
    blessed: bool
    pushed_to: str | None
    force_push_reason: str | None
    data: str
    data_fingerprint: str
    dropped_rows: list[str]
    data_warnings: list[str]
    training: dict[str, Any]
    training_log: dict[str, list[float]]

    @property
    def accuracy(self) -> float:
        """Fraction of the images of the evaluated split that are classified correctly."""
        return self.evaluation.overall.accuracy.value or 0.0

    @property
    def confusion_matrix(self) -> NDArray[np.int64]:
        """Int [classes, classes], rows actual, columns predicted."""
        return self.evaluation.overall.confusion_matrix

    def as_json(self) -> dict[str, Any]:
        """The content of metrics.json, without what only the runner knows."""
        overall, baseline = self.evaluation.overall, self.evaluation.baseline
        return {
            "accuracy": self.accuracy,
            "evaluated_split": self.evaluated_split,
            "classes": {name: self._class_as_json(name) for name in self.classes},
            "confusion_matrix": self.confusion_matrix.tolist(),
            "blessed": self.blessed,
            "failed_thresholds": self.failures,
            "pushed_to": self.pushed_to,
            "force_push_reason": self.force_push_reason,
            "data": self.data,
            "data_fingerprint": self.data_fingerprint,
            "dropped_rows": self.dropped_rows,
            "data_warnings": self.data_warnings,
            "training": self.training,
            "balanced_accuracy": overall.balanced_accuracy.value,
            "lowest_recall": overall.lowest_recall.value,
            "averages": {
                average: {metric: measured.value for metric, measured in metrics.items()}
                for average, metrics in overall.averages.items()
            },
            "intervals": {"level": LEVEL, **overall.intervals()},
            "slices": [one_slice.as_json() for one_slice in self.evaluation.slices],
            "baseline": {**baseline.as_json(), "change": self.evaluation.change()}
            if baseline
            else None,
        }

    def _class_as_json(self, name: str) -> dict[str, float | int | None]:
        metrics = self.evaluation.overall.by_class[name]
        return {
            # 0 where undefined, as in scikit-learn.
            **{metric: metrics[metric].value or 0.0 for metric in DECISION_METRICS},
            "support": self.evaluation.overall.support[name],
            **{metric: metrics[metric].value for metric in RANKING_METRICS},
        }

    def classification_report(self) -> str:
        """The table that scikit-learn prints.

        scikit-learn needs only the (actual, predicted) pairs, and the confusion matrix holds the
        number of each, so no second pass over the images is needed.
        """
        actual, predicted = np.nonzero(self.confusion_matrix)
        counts = self.confusion_matrix[actual, predicted]
        table: str = classification_report(
            np.repeat(actual, counts),
            np.repeat(predicted, counts),
            labels=range(len(self.classes)),
            target_names=self.classes,
            digits=4,
            zero_division=0,
        )
        return table


def read_results(inputs: Mapping[str, list[Artifact]], classes: list[str]) -> Results:
    """Read the outputs of ExampleGen, Trainer, Evaluator and Pusher.

    Args:
      inputs: the artifacts of each input of the Report component.
      classes: class names in the order of the label columns.
    """
    examples = artifact_utils.get_single_instance(inputs["examples"])
    blessing = artifact_utils.get_single_instance(inputs["blessing"])
    pushed = artifact_utils.get_single_instance(inputs["pushed_model"])
    was_pushed = pushed.get_int_custom_property("pushed") == 1
    evaluation_dir = artifact_utils.get_single_uri(inputs["evaluation"])
    model_run_dir = artifact_utils.get_single_uri(inputs["model_run"])
    findings = json.loads(files.read_text(files.join(examples.uri, FINDINGS_FILE)))
    training_log = files.read_text(files.join(model_run_dir, TRAINING_LOG))
    epochs = list(csv.DictReader(training_log.splitlines()))
    return Results(
        classes=classes,
        evaluated_split=find_evaluated_split(examples),
        evaluation=read_evaluation(evaluation_dir, classes),
        failures=describe_failed_thresholds(evaluation_dir),
        blessed=model_utils.is_model_blessed(blessing),
        pushed_to=pushed.get_string_custom_property("pushed_destination") if was_pushed else None,
        force_push_reason=pushed.get_string_custom_property(FORCE_PUSH_REASON) or None,
        data=examples.get_string_custom_property(SOURCE_PROPERTY),
        data_fingerprint=examples.get_string_custom_property(FINGERPRINT_PROPERTY_NAME),
        dropped_rows=[str(Problem(**row)) for row in findings["dropped_rows"]],
        data_warnings=[str(Problem(**row)) for row in findings["warnings"]],
        training=json.loads(files.read_text(files.join(model_run_dir, TRAINING_FACTS))),
        training_log={name: [float(epoch[name]) for epoch in epochs] for name in epochs[0]},
    )
