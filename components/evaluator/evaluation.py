"""The figures of an evaluation, read from the Evaluator's output."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma

from components.evaluator import metric_names as names
from components.evaluator.confidence_intervals import Interval
from components.evaluator.result import (
    OVERALL,
    confusion_matrix,
    metrics_by_name,
    model_names,
)
from components.evaluator.slices import LINE_STRENGTH_RANGE, LINE_STRENGTH_RANGES
from data import example_features


@dataclass(frozen=True)
class Figure:
    """One figure. Both parts are None where there is nothing to measure.

    Attributes:
      value: from 0 to 1.
      interval: bounds of the figure of unlimited images of the same kind, with the confidence of
        `components.evaluator.confidence_intervals.LEVEL`.
    """

    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Figures:
    """What one model reaches on some of the validation images.

    Attributes:
      accuracy, balanced_accuracy, lowest_recall: over all classes.
      by_class: by class name, then by figure: precision, recall, f1, auc, average_precision.
      averages: by kind of mean, macro or weighted, then by figure as above.
      confusion_matrix: int [classes, classes], rows actual, columns predicted.
    """

    accuracy: Figure
    balanced_accuracy: Figure
    lowest_recall: Figure
    by_class: dict[str, dict[str, Figure]]
    averages: dict[str, dict[str, Figure]]
    confusion_matrix: np.ndarray

    @property
    def images(self) -> int:
        """How many there are."""
        return int(self.confusion_matrix.sum())

    @property
    def support(self) -> dict[str, int]:
        """Images of each class."""
        return dict(zip(self.by_class, self.confusion_matrix.sum(axis=1).tolist(), strict=True))

    def as_json(self) -> dict[str, Any]:
        """The figures of a slice, or of a baseline, under the names of metrics.json."""
        return {
            "images": self.images,
            "accuracy": self.accuracy.value,
            "balanced_accuracy": self.balanced_accuracy.value,
            "lowest_recall": self.lowest_recall.value,
            "classes": {
                name: {
                    **{figure: found.value for figure, found in of_class.items()},
                    "support": self.support[name],
                }
                for name, of_class in self.by_class.items()
            },
            "intervals": self.intervals(),
            "confusion_matrix": self.confusion_matrix.tolist(),
        }

    def intervals(self) -> dict[str, Any]:
        """All bounds, in the same order as the figures in metrics.json."""

        def bounds(figures: Mapping[str, Figure]) -> dict[str, list[float] | None]:
            return {
                name: list(figure.interval) if figure.interval else None
                for name, figure in figures.items()
            }

        return {
            **bounds({"accuracy": self.accuracy, "balanced_accuracy": self.balanced_accuracy}),
            "classes": {name: bounds(of_class) for name, of_class in self.by_class.items()},
            "averages": {average: bounds(means) for average, means in self.averages.items()},
        }


@dataclass(frozen=True)
class Slice:
    """Figures of the images that have something in common.

    Attributes:
      feature: what they are told apart by, class_name or line_strength_range.
      value: what these have.
    """

    feature: str
    value: str
    figures: Figures

    def as_json(self) -> dict[str, Any]:
        """The slice as metrics.json lists it."""
        return {"feature": self.feature, "value": self.value, **self.figures.as_json()}


@dataclass(frozen=True)
class Evaluation:
    """All that the Evaluator found out.

    Attributes:
      overall: of all validation images; thresholds are of these.
      slices: in the order of classes, then of growing line strength.
      baseline: of the model in service on the same images, None where there was none.
    """

    overall: Figures
    slices: tuple[Slice, ...]
    baseline: Figures | None

    def change(self) -> dict[str, Any] | None:
        """How much more than the baseline the model reaches, None where there was none.

        By the names of the figures, and under `classes` by class and figure; None for a figure
        that one of the models does not have.
        """
        if not self.baseline:
            return None
        ours, theirs = self.overall, self.baseline
        over_all = ("accuracy", "balanced_accuracy", "lowest_recall")
        return {
            **{name: _difference(getattr(ours, name), getattr(theirs, name)) for name in over_all},
            "classes": {
                name: {
                    figure: _difference(found, theirs.by_class[name][figure])
                    for figure, found in of_class.items()
                }
                for name, of_class in ours.by_class.items()
            },
        }


def _difference(ours: Figure, theirs: Figure) -> float | None:
    if ours.value is None or theirs.value is None:
        return None
    return ours.value - theirs.value


def read_evaluation(evaluation_dir: str, classes: Sequence[str]) -> Evaluation:
    """Read the Evaluator's output.

    Args:
      evaluation_dir: its `evaluation`.
      classes: names in the order of the label columns.
    """
    of_candidate, of_baseline = model_names(evaluation_dir)
    by_key = _figures_by_slice(evaluation_dir, of_candidate, classes)
    values = {example_features.CLASS_NAME: classes, LINE_STRENGTH_RANGE: LINE_STRENGTH_RANGES}
    return Evaluation(
        overall=by_key[OVERALL],
        slices=tuple(
            Slice(feature, value, by_key[((feature, value),)])
            for feature, in_order in values.items()
            for value in in_order
            if ((feature, value),) in by_key
        ),
        baseline=_figures_by_slice(evaluation_dir, of_baseline, classes)[OVERALL]
        if of_baseline
        else None,
    )


def _figures_by_slice(
    evaluation_dir: str, model_name: str | None, classes: Sequence[str]
) -> dict[tuple, Figures]:
    result = tfma.load_eval_result(evaluation_dir, model_name=model_name)
    return {
        key: _figures(metrics_by_name(values), classes) for key, values in result.slicing_metrics
    }


def _figures(metrics: Mapping[str, Mapping], classes: Sequence[str]) -> Figures:
    def figure(name: str) -> Figure:
        bounds = metrics[names.interval_name(name)]["arrayValue"]["float64Values"]
        interval = tuple(map(float, bounds))
        return Figure(
            _defined(float(metrics[name]["doubleValue"])),
            None if any(map(math.isnan, interval)) else interval,
        )

    return Figures(
        accuracy=figure(names.ACCURACY),
        balanced_accuracy=figure(names.BALANCED_ACCURACY),
        lowest_recall=figure(names.LOWEST_RECALL),
        by_class={
            name: {of: figure(names.class_name(of, name)) for of in names.FIGURES}
            for name in classes
        },
        averages={
            average: {of: figure(names.average_name(average, of)) for of in names.FIGURES}
            for average in names.AVERAGES
        },
        confusion_matrix=confusion_matrix(metrics, len(classes)),
    )


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
