"""Runs the pipeline for a user in a terminal: progress, result, exit status."""

from __future__ import annotations

import gc
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from data.reading.check import check_folder
from data.reading.input_files import LOCAL, is_remote
from data.reading.inventory import take_inventory
from data.reading.scan import count_rows
from pipeline.config.config import Config, ConfigError
from pipeline.local.failed_run import remove_failure, write_failure
from pipeline.local.output_folder import lock_output
from pipeline.local.temporary_files import use_temporary_folder
from pipeline.terminal import failures
from pipeline.terminal.console import redirect_output, show_spinner
from pipeline.terminal.json_log import JsonConsole, JsonFormatter
from pipeline.terminal.tables import build_class_table, build_leaderboard_table
from trainer.export.model_card import find_damage

if TYPE_CHECKING:
    from pipeline.local.runner import Outcome


def run_here(config: Config, debug: bool, *, as_json: bool = False) -> int:
    """Run the pipeline and show its progress and its result; return the exit status.

    Args:
      config: a checked configuration.
      debug: whether to show tracebacks.
      as_json: whether the terminal and the log get lines of JSON.

    Raises:
      ConfigError: the configuration names no data folder, or a file that does not exist.
      InvalidData: a first look at the data folder shows that it cannot be used.
      OutputInUseError: another run uses the output folder.
    """
    _check_files(config)
    data = f"{escape(config.data)}{_describe_images(config)}"
    output = os.path.abspath(config.output)
    log_file = os.path.join(output, "logs", time.strftime("%Y-%m-%dT%H-%M-%S.log"))
    with (
        lock_output(output),
        use_temporary_folder(),
        redirect_output(log_file, as_json=as_json) as console,
    ):
        console.print(f"Radio Signals: model {config.model}, data {data}")
        started = time.perf_counter()
        try:
            outcome = _run(config, console)
        except BaseException as error:
            # For the log. `explain` decides how much of it the terminal shows.
            traceback.print_exc()
            messages: list[str] = []
            status = failures.explain(error, messages.append, log_file, debug)
            for message in messages:
                console.print(message, markup=False)
            write_failure(output, status, messages[-1], log_file)
            return status
        remove_failure(output)
        _show_results(outcome, console, log_file)
        return _show_verdict(outcome, console, time.perf_counter() - started)


def _check_files(config: Config) -> None:
    if not config.data:
        raise ConfigError(
            "No data folder is given: add --data DIR. To make one with simulated data: "
            "radio-signals data simulate DIR"
        )
    for key, file in (("initial_weights", config.initial_weights), ("schema", config.schema_file)):
        if file and not os.path.isfile(file):
            raise ConfigError(f"{key}: the file {file} does not exist.")


def _describe_images(config: Config) -> str:
    """Return the number of images, or nothing if they are remote. Needs no TensorFlow.

    Raises:
      InvalidData: listing everything that is wrong with the data, if files are missing or of an
        unknown kind.
    """
    if is_remote(config.data):
        return ""
    inventory = take_inventory(
        config.data,
        config.layout,
        config.input.format,
        config.input.span,
        division=config.division,
    )
    if inventory.problems:
        # The whole check also finds the errors inside the files that can be read.
        _, findings = check_folder(
            config.data,
            config.layout,
            config.input.tolerance,
            config.input.format,
            inventory.span or None,
            division=config.division,
        )
        findings.raise_errors(inventory.folder)
    counts = dict.fromkeys(inventory.splits, 0)
    for chunk in inventory.chunks:
        counts[chunk.source.split] += count_rows(chunk, inventory.format, config.layout, LOCAL)
    span = f", span {inventory.span}" if inventory.span else ""
    if config.division.fraction:
        share = f"{config.division.fraction:g} of each class for validation"
        return f"{span}, {sum(counts.values()):,} images, {share}"
    return f"{span}, " + " + ".join(f"{count:,}" for count in counts.values()) + " images"


def _run(config: Config, console: Console) -> Outcome:
    started = time.perf_counter()
    # The imports create a million objects that stay. Looking through them for garbage takes a sixth
    # of the time of the imports, and later a part of that of each step.
    gc.disable()
    with show_spinner(console, "loading TensorFlow and TFX"):
        import absl.logging
        import tensorflow as tf
        import tfx.version

        from pipeline.local.runner import run_pipeline
    gc.freeze()
    gc.enable()
    if isinstance(console, JsonConsole):
        absl.logging.get_absl_handler().setFormatter(JsonFormatter())
    console.print(
        f"[bold]start-up[/] {time.perf_counter() - started:.1f} s "
        f"(TFX {tfx.version.__version__}, TensorFlow {tf.__version__}, "
        f"Python {sys.version.split()[0]})"
    )
    return run_pipeline(config, console)


def _show_results(outcome: Outcome, console: Console, log_file: str) -> None:
    """Show the metrics of a run and the files that have the rest."""
    console.print()
    files = {"report": "report.html", "metrics": "metrics.json"}
    leaderboard = os.path.join(outcome.latest, "tuning.csv")
    if os.path.exists(leaderboard):
        console.print(build_leaderboard_table(leaderboard))
        console.print()
        files["tuned"] = "tuned.yaml"
    console.print(build_class_table(outcome.metrics))
    where = " on the test images" if outcome.metrics.get("evaluated_split") == "test" else ""
    console.print(f"accuracy {outcome.metrics['accuracy']:.4f}{where}")
    rows = {"data": outcome.metrics["data"]}
    rows |= {label: os.path.join(outcome.latest, name) for label, name in files.items()}
    rows["log"] = log_file
    for label, text in rows.items():
        console.print(f"{label:<8} {escape(text)}")


def _show_verdict(outcome: Outcome, console: Console, seconds: float) -> int:
    """Show whether the model was blessed and pushed; return the exit status."""
    metrics = outcome.metrics
    if not metrics["blessed"]:
        forced = bool(metrics["pushed_to"])
        console.print(f"[bold red]not blessed, {'pushed by force' if forced else 'not pushed'}[/]:")
        for failure in metrics["failed_thresholds"]:
            console.print(f"  {escape(failure)}")
        if forced:
            console.print(f"{'reason':<8} {escape(metrics['force_push_reason'])}")
            console.print(f"{'model':<8} {escape(metrics['pushed_to'])}")
        console.print(f"done in {seconds:.0f} s")
        return failures.DONE if forced else failures.NOT_BLESSED
    if not os.path.isdir(metrics["pushed_to"]):
        console.print(
            f"An earlier run pushed the model to {escape(metrics['pushed_to'])}, but the folder "
            "has been removed since. To push the model again, run with --no-cache."
        )
        return failures.FAILED
    if damage := find_damage(metrics["pushed_to"]):
        console.print(
            f"An earlier run pushed the model to {escape(metrics['pushed_to'])}, but {damage} "
            "there. Remove this folder, so that no server loads it. To push the model again, run "
            "with --no-cache."
        )
        return failures.FAILED
    console.print(f"{'model':<8} {escape(metrics['pushed_to'])}")
    console.print(f"[bold green]blessed and pushed[/], done in {seconds:.0f} s")
    return failures.DONE
