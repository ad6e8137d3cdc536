"""The trials of a search, best first, as a CSV file, and the best one's settings as YAML."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from trainer.tuning.search_space import SPACE, described
from trainer.tuning.trial import TrialResult

LEADERBOARD = "tuning.csv"
BEST_SETTINGS = "tuned.yaml"


@dataclass(frozen=True)
class FinishedTrial:
    """A trial with its result.

    Attributes:
      number: from 1, in the order of the search.
      values: what was tried, by configuration key.
      result: what came of it.
    """

    number: int
    values: Mapping[str, Any]
    result: TrialResult


def ranked(trials: Sequence[FinishedTrial], objective: str) -> list[FinishedTrial]:
    """Return trials best first, of equally good ones the earlier; those that failed come last.

    Args:
      trials: in the order of the search.
      objective: val_accuracy or val_loss.
    """

    def badness(trial: FinishedTrial) -> tuple[bool, float]:
        if trial.result.failure:
            return True, 0.0
        value = getattr(trial.result, objective)
        return False, value if objective == "val_loss" else -value

    return sorted(trials, key=badness)


def as_csv(trials: Sequence[FinishedTrial]) -> str:
    """Return ranked trials as CSV: a row a trial, and a column for each setting that varied.

    `outcome` is finished, cut short (by the time budget) or why it failed. `settings` is for
    people.
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
                *_rounded(result),
                outcome,
                *(trial.values.get(key, "") for key in keys),
                described(trial.values),
            ]
        )
    return text.getvalue()


def as_configuration(trial: FinishedTrial) -> str:
    """Return the settings of a trial as a configuration file."""
    values = {key: trial.values[key] for key in SPACE if key in trial.values}
    return yaml.safe_dump(values, sort_keys=False)


def _rounded(result: TrialResult) -> tuple:
    if result.failure:
        return "", "", "", "", f"{result.seconds:.1f}"
    return (
        f"{result.val_accuracy:.6f}",
        f"{result.val_loss:.6f}",
        result.best_epoch,
        result.epochs,
        f"{result.seconds:.1f}",
    )
