"""The order of the leaderboard and the content of its files."""

import csv

import pytest
import yaml

from trainer.tuning.leaderboard import FinishedTrial, format_configuration, format_csv, rank_trials
from trainer.tuning.trial import TrialResult

TRIALS = [
    FinishedTrial(1, {"batch_size": 32}, TrialResult(0.9, 0.5, 2, 4, 10.0)),
    FinishedTrial(2, {"batch_size": 16}, TrialResult(failure="diverged in epoch 1", seconds=1.0)),
    FinishedTrial(3, {"batch_size": 64}, TrialResult(0.95, 0.4, 3, 3, 9.0, cut_short=True)),
    FinishedTrial(4, {"batch_size": 128}, TrialResult(0.9, 0.3, 4, 4, 8.0)),
]


@pytest.mark.parametrize(
    ("objective", "order"), [("val_accuracy", [3, 1, 4, 2]), ("val_loss", [4, 3, 1, 2])]
)
def test_the_best_come_first_and_failures_last_and_equals_keep_their_order(objective, order):
    assert [trial.number for trial in rank_trials(TRIALS, objective)] == order


def test_the_table_gives_the_outcome_of_each_trial():
    rows = list(csv.DictReader(format_csv(rank_trials(TRIALS, "val_accuracy")).splitlines()))
    assert [row["outcome"] for row in rows] == [
        "cut short",
        "finished",
        "finished",
        "diverged in epoch 1",
    ]
    assert rows[1] == {
        "rank": "2",
        "trial": "1",
        "val_accuracy": "0.900000",
        "val_loss": "0.500000",
        "best_epoch": "2",
        "epochs": "4",
        "seconds": "10.0",
        "outcome": "finished",
        "batch_size": "32",
        "settings": "batch size 32",
    }
    assert rows[3]["val_accuracy"] == ""


def test_the_best_settings_are_a_configuration_file():
    values = {"augment.noise": 0.1, "schedule.initial_rate": 0.0123456789, "batch_size": 64}
    text = format_configuration(FinishedTrial(1, values, TrialResult()))
    assert yaml.safe_load(text) == values
