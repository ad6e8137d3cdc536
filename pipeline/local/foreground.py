"""Runs the pipeline for somebody who watches: progress, verdict, exit status."""

from __future__ import annotations

import csv
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data.reading.check import check_folder
from data.reading.files import LOCAL, is_remote
from data.reading.inventory import take_inventory
from data.reading.scan import count_rows
from data.seed_layout import SPLITS
from pipeline.config.config import Config
from pipeline.local.output_folder import sole_user_of
from pipeline.local.temporary_files import own_temporary_folder
from pipeline.terminal import failures
from pipeline.terminal.console import busy, libraries_to

if TYPE_CHECKING:
    from pipeline.local.runner import Outcome


def run_here(config: Config, debug: bool) -> int:
    """Run the pipeline and show how it goes; return the exit status.

    Args:
      config: a checked configuration.
      debug: whether to show tracebacks.

    Raises:
      InvalidData: a look at the data folder is enough to see that it cannot be used.
      OutputInUse: another run holds the output folder.
    """
    images = _look(config)
    output = os.path.abspath(config.output)
    log_file = os.path.join(output, "logs", time.strftime("%Y-%m-%dT%H-%M-%S.log"))
    with sole_user_of(output), own_temporary_folder(), libraries_to(log_file) as console:
        console.print(f"Radio Signals: model {config.model}, data {escape(config.data)}{images}")
        started = time.perf_counter()
        try:
            with busy(console, "loading TensorFlow and TFX"):
                import tensorflow
                import tfx.version

                from pipeline.local.runner import run as run_locally
            console.print(
                f"[bold]start-up[/] {time.perf_counter() - started:.1f} s "
                f"(TFX {tfx.version.__version__}, TensorFlow {tensorflow.__version__}, "
                f"Python {sys.version.split()[0]})"
            )
            outcome = run_locally(config, console)
        except BaseException as error:
            # For the log; what the terminal shows is decided below.
            traceback.print_exc()
            return failures.explain(
                error, lambda text: console.print(text, markup=False), log_file, debug
            )
        return _conclude(outcome, console, time.perf_counter() - started, log_file)


def _look(config: Config) -> str:
    """Return how many images there are; refuse at once what cannot be read.

    Raises:
      InvalidData: listing everything that is wrong with the data.
    """
    if is_remote(config.data):
        return ""
    inventory = take_inventory(config.data, config.layout, config.input.format, config.input.span)
    if inventory.problems:
        # Files are missing or of another kind. What else is wrong is worth knowing as well.
        _, findings = check_folder(
            config.data,
            config.layout,
            config.input.tolerance,
            config.input.format,
            inventory.span or None,
        )
        findings.raise_errors(inventory.folder)
    counts = dict.fromkeys(SPLITS, 0)
    for part in inventory.parts:
        counts[part.source.split] += count_rows(part, inventory.format, LOCAL)
    span = f", span {inventory.span}" if inventory.span else ""
    return f"{span}, " + " + ".join(f"{count:,}" for count in counts.values()) + " images"


def _conclude(outcome: Outcome, console: Console, seconds: float, log_file: str) -> int:
    metrics = outcome.metrics
    console.print()
    leaderboard = os.path.join(outcome.latest, "tuning.csv")
    tuned = os.path.exists(leaderboard)
    if tuned:
        console.print(leaderboard_table(leaderboard))
        console.print()
    console.print(_class_table(metrics))
    console.print(f"accuracy {metrics['accuracy']:.4f}")
    console.print(f"{'data':<8} {escape(metrics['data'])}")
    files = [("report", "report.html"), ("figures", "metrics.json")]
    for name, file in [*files, ("tuned", "tuned.yaml")] if tuned else files:
        console.print(f"{name:<8} {escape(os.path.join(outcome.latest, file))}")
    console.print(f"{'log':<8} {escape(log_file)}")
    if not metrics["blessed"]:
        console.print("[bold red]not blessed, not pushed[/]:")
        for failure in metrics["failed_thresholds"]:
            console.print(f"  {escape(failure)}")
        console.print(f"done in {seconds:.0f} s")
        return failures.NOT_BLESSED
    if not os.path.isdir(metrics["pushed_to"]):
        console.print(
            f"The model was pushed to {escape(metrics['pushed_to'])} by an earlier run, and "
            "somebody has removed it since. To push it again, run with --no-cache."
        )
        return failures.FAILED
    console.print(f"{'model':<8} {escape(metrics['pushed_to'])}")
    console.print(f"[bold green]blessed and pushed[/], done in {seconds:.0f} s")
    return failures.DONE


def leaderboard_table(file: str) -> Table:
    """Return the trials of a search, best first.

    Args:
      file: as `trainer.tuning.leaderboard.as_csv` writes it.
    """
    table = Table(box=None, pad_edge=False)
    for heading in ("rank", "trial", "accuracy", "loss", "epochs", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("settings")
    with open(file, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            figures = [row[key] for key in ("rank", "trial", "val_accuracy", "val_loss", "epochs")]
            seconds = f"{float(row['seconds']):.0f}"
            outcome = "" if row["outcome"] == "finished" else f"{row['outcome']}: "
            table.add_row(*figures, seconds, escape(outcome + row["settings"]))
    return table


def _class_table(metrics: dict) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for heading in ("precision", "recall", "F1", "images"):
        table.add_column(heading, justify="right")
    for name, figures in metrics["classes"].items():
        values = [f"{figures[key]:.4f}" for key in ("precision", "recall", "f1")]
        table.add_row(escape(name), *values, str(figures["support"]))
    return table
