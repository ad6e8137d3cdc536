"""Tables for the terminal: past runs, two runs side by side, a run's metrics, a leaderboard."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from components.report.differences import NOTHING, compare_metrics, compare_provenance
from data.storage.files import open_file
from pipeline.history.past_runs import PastRun


def build_runs_table(runs: Sequence[PastRun]) -> Table:
    """Return a table with one row per run, oldest first."""
    table = _build_table()
    for heading in ("no.", "started", "model", "accuracy", "worst class", "blessed", "pushed"):
        right = heading in ("no.", "accuracy")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    # Only this column is folded on a narrow terminal.
    table.add_column("data", overflow="fold", min_width=16)
    for run in runs:
        table.add_row(str(run.number), run.run_id[:16].replace("T", " "), *_describe_outcome(run))
    return table


def _describe_outcome(run: PastRun) -> tuple[str, ...]:
    metrics = run.metrics
    if not metrics:
        outcome = "damaged" if run.damaged else "not finished"
        return (NOTHING, NOTHING, outcome, NOTHING, NOTHING, NOTHING)
    name, recall = run.worst_class
    return (
        metrics["training"]["model"],
        f"{metrics['accuracy']:.4f}",
        escape(f"{name} {recall:.4f}"),
        "yes" if metrics["blessed"] else "no",
        escape(os.path.basename(metrics["pushed_to"] or NOTHING)),
        escape(metrics["data"]),
    )


def build_comparison_table(first: PastRun, second: PastRun) -> Table:
    """Return the metrics of two runs with their differences, then the settings that differ."""
    table = _build_table()
    table.add_column("", no_wrap=True)
    for run in (first, second):
        table.add_column(f"run {run.number}", justify="right", overflow="fold")
    table.add_column("difference", justify="right")
    for name, (before, after) in compare_metrics(first.metrics, second.metrics):
        cells = [NOTHING if value is None else f"{value:.4f}" for value in (before, after)]
        difference = NOTHING
        if before is not None and after is not None:
            difference = f"{after - before:+.4f}"
        table.add_row(escape(name), *cells, difference)
    table.add_row()
    for name, settings in compare_provenance(first.metrics, second.metrics):
        cells = ["not set" if value is None else str(value) for value in settings]
        table.add_row(escape(name), *map(escape, cells), "")
    return table


def build_class_table(metrics: dict[str, Any]) -> Table:
    """Return precision, recall, F1 and number of images of each class.

    Args:
      metrics: content of metrics.json.
    """
    table = _build_table()
    table.add_column("class")
    for heading in ("precision", "recall", "F1", "images"):
        table.add_column(heading, justify="right")
    for name, values in metrics["classes"].items():
        cells = [f"{values[key]:.4f}" for key in ("precision", "recall", "f1")]
        table.add_row(escape(name), *cells, str(values["support"]))
    return table


def build_leaderboard_table(file: str) -> Table:
    """Return the trials of a search for settings, best first.

    Args:
      file: a leaderboard as `trainer.tuning.leaderboard` writes it.
    """
    table = _build_table()
    for heading in ("rank", "trial", "accuracy", "loss", "epochs", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("settings")
    with open_file(file) as stream:
        for row in csv.DictReader(stream):
            cells = [row[key] for key in ("rank", "trial", "val_accuracy", "val_loss", "epochs")]
            seconds = f"{float(row['seconds']):.0f}"
            outcome = "" if row["outcome"] == "finished" else f"{row['outcome']}: "
            table.add_row(*cells, seconds, escape(outcome + row["settings"]))
    return table


def _build_table() -> Table:
    return Table(box=None, pad_edge=False)
