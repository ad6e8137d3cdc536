"""Writes the trials of a search as CSV, best first, and the best trial's settings as YAML."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from trainer.config import Monitor
from trainer.tuning.search_space import SPACE, describe
from trainer.tuning.trial import TrialResult

LEADERBOARD = "tuning.csv"
BEST_SETTINGS = "tuned.yaml"


@dataclass(frozen=True)
class FinishedTrial:
    """A trial with its result.

    Attributes:
      number: number of the trial, from 1, in the order of the search.
      values: the values that were tried, by configuration key.
      result: the result of training with them.
    """

    number: int
    values: Mapping[str, Any]
    result: TrialResult


def rank_trials(trials: Sequence[FinishedTrial], objective: Monitor) -> list[FinishedTrial]:
    """Return trials with the best first and failed ones last; equals keep their order.

    Args:
      trials: trials in the order of the search.
      objective: the metric that ranks the trials.
    """

    def sort_key(trial: FinishedTrial) -> tuple[bool, float]:
        if trial.result.failure:
            return True, 0.0
        value: float = getattr(trial.result, objective)
        return False, value if objective == "val_loss" else -value

    return sorted(trials, key=sort_key)


def format_csv(trials: Sequence[FinishedTrial]) -> str:
    """Return ranked trials as CSV: one row per trial, and one column per setting that varied.

    `outcome` is `finished`, `cut short` (by the time budget) or the reason for a failure.
    `settings` is for human readers.
    """
    keys = [key for key in SPACE if any(key in trial.values for trial in trials)]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    results = ("val_accuracy", "val_loss", "best_epoch", "epochs", "seconds")
    rows.writerow(["rank", "trial", *results, "outcome", *keys, "settings"])
    for rank, trial in enumerate(trials, start=1):
        result = trial.result
        outcome = result.failure or ("cut short" if result.cut_short else "finished")
        rows.writerow(
            [
                rank,
                trial.number,
                *_format_result(result),
                outcome,
                *(trial.values.get(key, "") for key in keys),
                describe(trial.values),
            ]
        )
    return text.getvalue()


def format_configuration(trial: FinishedTrial) -> str:
    """Return the settings of a trial as a configuration file."""
    values = {key: trial.values[key] for key in SPACE if key in trial.values}
    return yaml.safe_dump(values, sort_keys=False)


def _format_result(result: TrialResult) -> tuple[str | int, ...]:
    seconds = f"{result.seconds:.1f}"
    if result.failure:
        return "", "", "", "", seconds
    return (
        f"{result.val_accuracy:.6f}",
        f"{result.val_loss:.6f}",
        result.best_epoch,
        result.epochs,
        seconds,
    )
