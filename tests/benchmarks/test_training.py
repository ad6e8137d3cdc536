"""The table of runs: means, worst, ratios."""

import json

from benchmarks.training import Result, once, ratios, summary

RUNS = [Result("`compact`", 0, 0.99, 0.98, 0.97, 500.0, 100.0)]
RUNS.append(Result("`compact`", 1, 0.97, 0.96, 0.99, 700.0, 120.0))
SCRIPT = [Result("script", 0, 0.75, None, None, 100.0, 440.0)]


def test_the_mean_and_the_worst_of_several_seeds_follow_them():
    lines = summary(RUNS)
    assert lines[0] == "| `compact` | 0 | 0.9900 | 0.9800 | 0.9700 | 500 | 100 |"
    assert lines[2] == "| `compact` | mean | 0.9800 | 0.9700 | 0.9800 | 600 | 110 |"
    assert lines[3] == "| `compact` | worst | 0.9700 | 0.9600 | 0.9700 | 500 | 120 |"


def test_a_single_run_has_no_mean_and_what_was_not_measured_stays_empty():
    assert summary(SCRIPT) == ["| script | 0 | 0.7500 |  |  | 100 | 440 |"]


def test_ratios_are_of_means():
    assert ratios(RUNS, SCRIPT) == (
        "`compact`: 6.00 times the script's images/s, whole run 0.25 of its time, accuracy +0.2300"
    )


def test_a_finished_run_is_not_repeated(tmp_path):
    file = tmp_path / "compact-0.json"
    assert once(file, lambda: RUNS[0]) == RUNS[0]
    assert json.loads(file.read_text())["accuracy"] == 0.99
    assert once(file, lambda: RUNS[1]) == RUNS[0]
