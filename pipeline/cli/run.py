"""Commands that run the pipeline on this machine."""

from __future__ import annotations

from typing import Any, NoReturn

import click

from pipeline.cli.options import read_config, run_options


@click.command()
@run_options
def run(debug: bool, log_format: str, **options: Any) -> None:
    """Run the whole pipeline on this machine.

    It checks the data, trains and evaluates a model, and pushes the model if it is good enough.

    A step whose data and settings have not changed since an earlier run into the same output
    folder is not run again; its output is taken from the cache.

    Exit status: 0 blessed and pushed, or pushed by force; 2 data or configuration refused, nothing
    trained; 3 trained but not blessed, nothing pushed; 130 interrupted; 1 any other failure.
    """
    _run(options, debug, log_format)


@click.command()
@run_options
@click.option(
    "--trials", "tuning__trials", type=int, help="Maximum number of trials.  [default: 20]"
)
@click.option("--minutes", "tuning__minutes", type=float, help="Time limit of the search.")
@click.option(
    "--trial-epochs",
    "tuning__epochs",
    type=int,
    help="Epochs per trial.  [default: half the epochs of training]",
)
def tune(debug: bool, log_format: str, **options: Any) -> None:
    """Search for better training settings, then run the pipeline.

    The search tries learning rates and schedules, batch sizes, weight decay, label smoothing and
    augmentation in short training runs, and begins with the model's own settings. It does not
    change what an option or the configuration sets. A model is trained with the best settings,
    then evaluated and pushed as by `run`.

    To continue an interrupted search, give the same command again: trials that have finished are
    not repeated. More --trials or --minutes extend a finished search in the same way.

    \b
    Results in the output folder:
      latest/tuning.csv   the leaderboard: every trial, best first
      latest/tuned.yaml   the best settings, for `radio-signals run --config`

    Exit status: the same as that of `run`.
    """  # noqa: D301 - click does not wrap a paragraph that begins with \b
    _run({**options, "tuning__enabled": True}, debug, log_format)


def _run(options: dict[str, Any], debug: bool, log_format: str) -> NoReturn:
    from pipeline.local.foreground import run_here

    if options.pop("force_push") != bool(options["force_push_reason"]):
        raise click.UsageError("Give both --force-push and --reason TEXT, or neither.")
    raise SystemExit(run_here(read_config(**options), debug, as_json=log_format == "json"))
