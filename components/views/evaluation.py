"""`show_evaluation`: an evaluation, or several, for people to look at."""

from __future__ import annotations

import copy
import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import tensorflow_model_analysis as tfma
from markupsafe import Markup
from matplotlib.figure import Figure
from tensorflow_model_analysis.slicer import slicer_lib as slicer
from tensorflow_model_analysis.view import util

from components.evaluator.result import (
    OVERALL,
    confusion_matrix,
    load_candidate,
    metrics_by_name,
    overall_metrics,
)
from components.pages import data_uri
from components.views.evaluation_plots import curves_figure, runs_figure
from components.views.resources import template
from components.views.tfma_frame import Mount, View, document
from trainer.watching.training_plots import confusion_matrix_figure

# The metrics that are named first.
_ACCURACY, _COUNT = "accuracy", "example_count"
_SCALAR = "doubleValue"
# Of each class, over the runs.
_DRAWN = ("precision", "recall")
# What the Evaluator reads.
_SPLIT = "validation"


def show_evaluation(evaluations: str | Mapping[str, str], classes: Sequence[str]) -> EvaluationView:
    """Return a view of what the Evaluator found, for a notebook to display or to be saved.

    It has two parts. Tables and pictures need neither script nor network. Below them are TFMA's
    interactive views: metrics by slice, plots, and metrics over the runs. They are in a frame of
    their own, so that it does not matter which page they are in; where scripts do not run, the
    frame is not seen.

    Args:
      evaluations: a folder that the Evaluator wrote; or several by the name of the run, oldest
        first, of which the newest is shown and all are compared. TFMA orders runs by name.
      classes: names in the order of the model's outputs.

    Raises:
      ValueError: there is none.
    """
    if isinstance(evaluations, str):
        evaluations = {os.path.basename(evaluations.rstrip("/")): evaluations}
    if not evaluations:
        raise ValueError("There is no evaluation to show.")
    results = {name: load_candidate(folder) for name, folder in evaluations.items()}
    newest = list(results.values())[-1]
    classes = list(classes)
    return EvaluationView(
        classes=classes,
        metrics=_by_slice(newest),
        confusion_matrix=confusion_matrix(overall_metrics(newest), len(classes)),
        runs=_by_run(results),
        plots=_plots(newest, classes),
        views=_views(results, classes),
    )


@dataclass(frozen=True)
class EvaluationView:
    """An evaluation to be looked at. A notebook displays it as the last value of a cell.

    Attributes:
      classes: names in the order of the matrix.
      metrics: a row a metric, a column a slice, the whole first; NaN where undefined.
      confusion_matrix: int [classes, classes], rows actual, columns predicted.
      runs: a row a run, a column a metric of the whole split.
      plots: TFMA's plots by class name; empty for evaluations that have none.
      views: what TFMA shows.
    """

    classes: list[str]
    metrics: pd.DataFrame
    confusion_matrix: np.ndarray
    runs: pd.DataFrame
    plots: Mapping[str, Any] = field(repr=False)
    views: list[View] = field(repr=False)

    def frame(self) -> str:
        """Return TFMA's interactive views alone, as a document for a frame of a page."""
        return document(self.views)

    def to_html(self) -> str:
        """Return a part of a page that needs nothing else: styles, pictures and frame inside."""
        matrix = confusion_matrix_figure(self.confusion_matrix, self.classes)
        by_class = [f"{figure}_{name}" for figure in _DRAWN for name in self.classes]
        drawn = [name for name in (_ACCURACY, *by_class) if name in self.runs]
        return template("evaluation.html").render(
            view=self,
            number=_number,
            confusion_matrix=_data_uri(matrix, dpi=80),
            curves=_data_uri(curves_figure(self.plots)) if self.plots else "",
            runs=_data_uri(runs_figure(self.runs, drawn)) if len(self.runs) > 1 else "",
            frame=self.frame(),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a page of its own."""
        page = template("page.html").render(
            title=f"Evaluation {self.runs.index[-1]}", content=Markup(self.to_html())
        )
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)

    def __str__(self) -> str:
        return self.metrics.to_string(float_format=_number, na_rep=_number(math.nan))

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        # The text is for front ends, and exports, that have no HTML.
        return {"text/html": self.to_html(), "text/plain": str(self)}


def _by_slice(result: tfma.EvalResult) -> pd.DataFrame:
    return _table(
        {
            slicer.stringify_slice_key(key): _scalars(metrics_by_name(values))
            for key, values in _slices(result)
        }
    ).T


def _slices(result: tfma.EvalResult) -> list[tuple[tuple, Any]]:
    """Metrics by slice, the whole first; TFMA has them in any order."""
    return sorted(result.slicing_metrics, key=lambda item: (item[0] != OVERALL, str(item[0])))


def _by_run(results: Mapping[str, tfma.EvalResult]) -> pd.DataFrame:
    table = _table({run: _scalars(overall_metrics(result)) for run, result in results.items()})
    # Changes are against the baseline of each run; between runs the table shows them.
    return table[[name for name in table if not name.endswith("_diff")]]


def _table(rows: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    # Of several runs, a later one may know more metrics.
    names = dict.fromkeys(name for row in rows.values() for name in row)
    order = sorted(names, key=lambda name: (name != _ACCURACY, name != _COUNT, name))
    return pd.DataFrame.from_dict(rows, orient="index", columns=order).astype(float)


def _scalars(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    return {
        name: float(value.get(_SCALAR, math.nan))
        for name, value in metrics.items()
        if _is_scalar(value)
    }


def _is_scalar(value: Mapping[str, Any]) -> bool:
    # An empty message is an undefined value.
    return _SCALAR in value or not value


def _plots(result: tfma.EvalResult, classes: list[str]) -> dict[str, Any]:
    # An evaluation without plots holds a record of the whole that is empty.
    by_sub_key = (dict(result.plots).get(OVERALL) or {}).get("", {})
    return {
        name: by_sub_key[key]
        for index, name in enumerate(classes)
        for key in [f"classId:{index}"]
        if key in by_sub_key
    }


def _views(results: Mapping[str, tfma.EvalResult], classes: list[str]) -> list[View]:
    newest = list(results.values())[-1]
    views = [
        View("Metrics by slice", [_slicing_metrics(newest)]),
    ]
    plots = _plot_mounts(newest, classes)
    if plots:
        views.append(View("Plots", plots, choice_of="Class"))
    if len(results) > 1:
        views.append(View("Runs", [_time_series(results)]))
    return views


def _slicing_metrics(result: tfma.EvalResult) -> Mount:
    slices = [
        {"slice": slicer.stringify_slice_key(key), "metrics": _only_scalars(values)}
        for key, values in _slices(result)
    ]
    return Mount("", "tfma-nb-slicing-metrics", util.get_slicing_config(result.config), slices)


def _plot_mounts(result: tfma.EvalResult, classes: list[str]) -> list[Mount]:
    if not _plots(result, classes):
        return []
    mounts = []
    for index, label in [(None, "all of them"), *enumerate(classes)]:
        data, config = util.get_plot_data_and_config(
            result.plots, slicer.SingleSliceSpec(), class_id=index
        )
        mounts.append(Mount(label, "tfma-nb-plot", config, _with_names(data, classes)))
    return mounts


def _with_names(plot: Mapping[str, Any], classes: list[str]) -> dict[str, Any]:
    """Name the classes of a confusion matrix, which TFMA numbers, and orders by what they have."""
    named = copy.deepcopy(plot)
    for matrix in named.get("multiClassConfusionMatrixAtThresholds", {}).get("matrices", []):
        for entry in matrix["entries"]:
            for key in ("actualClassId", "predictedClassId"):
                # Zero is left out.
                entry[key] = classes[entry.get(key, 0)]
    return named


def _time_series(results: Mapping[str, tfma.EvalResult]) -> Mount:
    runs = [
        {
            "metrics": _only_scalars(dict(result.slicing_metrics)[OVERALL]),
            "config": {"modelIdentifier": run, "dataIdentifier": _SPLIT},
        }
        for run, result in results.items()
    ]
    return Mount("", "tfma-nb-time-series", {"isModelCentric": True}, runs)


def _only_scalars(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a cell of TFMA's table has no form for."""
    return {
        output: {
            sub_key: {name: value for name, value in values.items() if _is_scalar(value)}
            for sub_key, values in by_sub_key.items()
        }
        for output, by_sub_key in metrics.items()
    }


def _number(value: float) -> str:
    if math.isnan(value):
        return "n/a"
    return f"{value:,.0f}" if value == round(value) and value > 1 else f"{value:.4f}"


def _data_uri(figure: Figure, dpi: int = 100) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return data_uri(buffer.getvalue(), "png")
