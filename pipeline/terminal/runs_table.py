"""Runs in the terminal: a line each, or two side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from components.report.differences import NOTHING, compared_figures, differing
from pipeline.history.past_runs import PastRun


def runs_table(runs: Sequence[PastRun]) -> Table:
    """Return a line for each run, the newest last."""
    table = Table(box=None, pad_edge=False)
    for heading in ("no.", "started", "model", "accuracy", "worst class", "blessed", "pushed"):
        justify = "right" if heading in ("no.", "accuracy") else "left"
        table.add_column(heading, justify=justify, no_wrap=True)
    # The one that gives way on a narrow terminal.
    table.add_column("data", overflow="fold", min_width=16)
    for run in runs:
        table.add_row(str(run.number), run.run_id[:16].replace("T", " "), *_outcome(run))
    return table


def _outcome(run: PastRun) -> tuple[str, ...]:
    metrics = run.metrics
    if not metrics:
        return (NOTHING, NOTHING, "did not finish", NOTHING, NOTHING, NOTHING)
    name, recall = run.worst_class
    return (
        metrics["training"]["model"],
        f"{metrics['accuracy']:.4f}",
        escape(f"{name} {recall:.4f}"),
        "yes" if metrics["blessed"] else "no",
        escape(os.path.basename(metrics["pushed_to"] or NOTHING)),
        escape(metrics["data"]),
    )


def comparison_table(first: PastRun, second: PastRun) -> Table:
    """Return the figures of two runs and the difference, then the settings that differ."""
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for run in (first, second):
        table.add_column(f"run {run.number}", justify="right", overflow="fold")
    table.add_column("difference", justify="right")
    for name, values in compared_figures(first.metrics, second.metrics):
        shown = [NOTHING if value is None else f"{value:.4f}" for value in values]
        both = None not in values
        table.add_row(escape(name), *shown, f"{values[1] - values[0]:+.4f}" if both else NOTHING)
    table.add_row()
    for name, values in differing(first.metrics, second.metrics):
        table.add_row(escape(name), *(escape(_plain(value)) for value in values), "")
    return table


def _plain(value) -> str:
    return "not set" if value is None else str(value)
