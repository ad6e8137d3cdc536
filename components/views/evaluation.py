"""`show_evaluation`: shows one or more evaluations in a notebook or a page."""

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
from matplotlib.figure import Figure
from numpy.typing import NDArray
from tensorflow_model_analysis.slicer import slicer_lib as slicer
from tensorflow_model_analysis.view import util

from components.evaluator.tfma_results import (
    OVERALL,
    confusion_matrix,
    load_results,
    metrics_by_name,
    overall_metrics,
)
from components.pages import encode_data_uri
from components.views.evaluation_plots import plot_curves, plot_runs
from components.views.resources import load_template
from components.views.tfma_frame import Mount, View, render_frame
from data.storage import files
from trainer.watching.training_plots import plot_confusion_matrix

# The metrics that tables list first.
_ACCURACY, _COUNT = "accuracy", "example_count"
_SCALAR = "doubleValue"
# The metrics of each class that are drawn over the runs.
_DRAWN = ("precision", "recall")
# TFMA wants a name for the data of each run.
_DATA = "images"


def show_evaluation(evaluations: str | Mapping[str, str], classes: Sequence[str]) -> EvaluationView:
    """Return a view of evaluations, for a notebook to display or for a page.

    The view has tables and pictures, which need neither scripts nor network, and below them TFMA's
    interactive views: metrics by slice, plots, and metrics over the runs. The interactive views
    are in a frame, so they work in any page. Where scripts do not run, the frame is invisible.

    Args:
      evaluations: the output folder of one Evaluator; or several folders by the name of the run,
        oldest first. The view then shows the newest and compares all. TFMA orders runs by name.
      classes: class names in the order of the outputs of the model.

    Raises:
      ValueError: there is no evaluation.
    """
    if isinstance(evaluations, str):
        evaluations = {os.path.basename(evaluations.rstrip("/")): evaluations}
    if not evaluations:
        raise ValueError("There is no evaluation to show.")
    results = {name: load_results(folder).candidate for name, folder in evaluations.items()}
    newest = list(results.values())[-1]
    classes = list(classes)
    return EvaluationView(
        classes=classes,
        metrics=_tabulate_slices(newest),
        confusion_matrix=confusion_matrix(overall_metrics(newest), len(classes)),
        runs=_tabulate_runs(results),
        plots=_find_plots(newest, classes),
        views=_build_views(results, classes),
    )


@dataclass(frozen=True)
class EvaluationView:
    """A view of an evaluation. A notebook displays it as the last value of a cell.

    Attributes:
      classes: class names in the order of the confusion matrix.
      metrics: one row for each metric and one column for each slice, the whole split first; NaN
        where a metric is undefined.
      confusion_matrix: int [classes, classes], rows actual, columns predicted.
      runs: one row for each run and one column for each metric of the whole split.
      plots: TFMA's plots by class name; empty for an evaluation without plots.
      views: TFMA's interactive views.
    """

    classes: list[str]
    metrics: pd.DataFrame
    confusion_matrix: NDArray[np.int64]
    runs: pd.DataFrame
    plots: Mapping[str, Any] = field(repr=False)
    views: list[View] = field(repr=False)

    def render_frame(self) -> str:
        """Return TFMA's interactive views alone, as an HTML document for a frame of a page."""
        return render_frame(self.views)

    def to_html(self) -> str:
        """Return a fragment of a page that contains its styles, pictures and frame."""
        matrix = plot_confusion_matrix(self.confusion_matrix, self.classes)
        class_metrics = [f"{metric}_{name}" for metric in _DRAWN for name in self.classes]
        drawn = [name for name in (_ACCURACY, *class_metrics) if name in self.runs]
        return load_template("evaluation.html").render(
            view=self,
            format_number=_format_number,
            confusion_matrix=_encode(matrix, dpi=80),
            curves=_encode(plot_curves(self.plots)) if self.plots else "",
            runs=_encode(plot_runs(self.runs, drawn)) if len(self.runs) > 1 else "",
            frame=self.render_frame(),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a self-contained page."""
        page = load_template("page.html").render(
            title=f"Evaluation {self.runs.index[-1]}", content=self.to_html()
        )
        files.write_file(os.fspath(path), page)

    def __str__(self) -> str:
        return self.metrics.to_string(float_format=_format_number, na_rep=_format_number(math.nan))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # The text is for front ends and exports without HTML.
        return {"text/html": self.to_html(), "text/plain": str(self)}


def _tabulate_slices(result: tfma.EvalResult) -> pd.DataFrame:
    return _build_table(
        {
            slicer.stringify_slice_key(key): _scalars(metrics_by_name(metrics))
            for key, metrics in _sorted_slices(result)
        }
    ).T


def _sorted_slices(result: tfma.EvalResult) -> list[tuple[tuple[Any, ...], Any]]:
    """Return the metrics by slice, the whole split first. TFMA has them in any order."""
    return sorted(result.slicing_metrics, key=lambda item: (item[0] != OVERALL, str(item[0])))


def _tabulate_runs(results: Mapping[str, tfma.EvalResult]) -> pd.DataFrame:
    table = _build_table(
        {run: _scalars(overall_metrics(result)) for run, result in results.items()}
    )
    # These are differences from the baseline of each run, not from the run before.
    return table.drop(columns=[name for name in table if str(name).endswith("_diff")])


def _build_table(rows: dict[str, dict[str, float]]) -> pd.DataFrame:
    # A later run may have more metrics.
    names = dict.fromkeys(name for row in rows.values() for name in row)
    order = sorted(names, key=lambda name: (name != _ACCURACY, name != _COUNT, name))
    return pd.DataFrame(list(rows.values()), index=list(rows), columns=order).astype(float)


def _scalars(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    return {
        name: float(value.get(_SCALAR, math.nan))
        for name, value in metrics.items()
        if _is_scalar(value)
    }


def _is_scalar(value: Mapping[str, Any]) -> bool:
    # An empty message stands for an undefined value.
    return _SCALAR in value or not value


def _find_plots(result: tfma.EvalResult, classes: list[str]) -> dict[str, Any]:
    # An evaluation without plots has an empty record of the whole split.
    by_class = (dict(result.plots).get(OVERALL) or {}).get("", {})
    keys = {name: f"classId:{index}" for index, name in enumerate(classes)}
    return {name: by_class[key] for name, key in keys.items() if key in by_class}


def _build_views(results: Mapping[str, tfma.EvalResult], classes: list[str]) -> list[View]:
    newest = list(results.values())[-1]
    views = [View("Metrics by slice", [_mount_slices(newest)])]
    if plots := _mount_plots(newest, classes):
        views.append(View("Plots", plots, choice_of="Class"))
    if len(results) > 1:
        views.append(View("Runs", [_mount_runs(results)]))
    return views


def _mount_slices(result: tfma.EvalResult) -> Mount:
    slices = [
        {"slice": slicer.stringify_slice_key(key), "metrics": _keep_scalars(metrics)}
        for key, metrics in _sorted_slices(result)
    ]
    return Mount("", "tfma-nb-slicing-metrics", util.get_slicing_config(result.config), slices)


def _mount_plots(result: tfma.EvalResult, classes: list[str]) -> list[Mount]:
    if not _find_plots(result, classes):
        return []
    mounts = []
    for index, label in [(None, "all"), *enumerate(classes)]:
        data, config = util.get_plot_data_and_config(
            result.plots, slicer.SingleSliceSpec(), class_id=index
        )
        mounts.append(Mount(label, "tfma-nb-plot", config, _name_classes(data, classes)))
    return mounts


def _name_classes(plot: Mapping[str, Any], classes: list[str]) -> dict[str, Any]:
    """Replace the class numbers in a confusion matrix of TFMA with class names."""
    named = copy.deepcopy(dict(plot))
    for matrix in named.get("multiClassConfusionMatrixAtThresholds", {}).get("matrices", []):
        for entry in matrix["entries"]:
            for key in ("actualClassId", "predictedClassId"):
                # The JSON form of a protocol buffer omits zeros.
                entry[key] = classes[entry.get(key, 0)]
    return named


def _mount_runs(results: Mapping[str, tfma.EvalResult]) -> Mount:
    runs = [
        {
            "metrics": _keep_scalars(dict(result.slicing_metrics)[OVERALL]),
            "config": {"modelIdentifier": run, "dataIdentifier": _DATA},
        }
        for run, result in results.items()
    ]
    return Mount("", "tfma-nb-time-series", {"isModelCentric": True}, runs)


def _keep_scalars(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the metrics that a cell of TFMA's table cannot show."""
    return {
        output: {
            class_key: {name: value for name, value in by_name.items() if _is_scalar(value)}
            for class_key, by_name in by_class.items()
        }
        for output, by_class in metrics.items()
    }


def _format_number(value: float) -> str:
    if math.isnan(value):
        return "n/a"
    return f"{value:,.0f}" if value == round(value) and value > 1 else f"{value:.4f}"


def _encode(figure: Figure, dpi: int = 100) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return encode_data_uri(buffer.getvalue(), "png")
