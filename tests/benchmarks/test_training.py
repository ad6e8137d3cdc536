"""The table of runs, and the script that the pipeline is compared with."""

import json
import subprocess
import sys

import pytest

from benchmarks.training import BASELINE, Result, compare, run_once, summarise
from data.simulation.dataset import simulate_dataset

RUNS = [
    Result("`compact`", 0, 0.99, 0.98, 0.97, 500.0, 100.0),
    Result("`compact`", 1, 0.97, 0.96, 0.99, 700.0, 120.0),
]
SCRIPT = [Result("script", 0, 0.75, None, None, 100.0, 440.0)]


def test_the_mean_and_the_worst_of_several_seeds_follow_them():
    rows = summarise(RUNS)

    assert rows[0] == "| `compact` | 0 | 0.9900 | 0.9800 | 0.9700 | 500 | 100 |"
    assert rows[2] == "| `compact` | mean | 0.9800 | 0.9700 | 0.9800 | 600 | 110 |"
    assert rows[3] == "| `compact` | worst | 0.9700 | 0.9600 | 0.9700 | 500 | 120 |"


def test_a_single_run_has_no_mean_and_metrics_that_were_not_measured_stay_empty():
    assert summarise(SCRIPT) == ["| script | 0 | 0.7500 |  |  | 100 | 440 |"]


def test_the_ratios_compare_means():
    assert compare(RUNS, SCRIPT) == (
        "`compact`: 6.00 times the script's images/s, whole run 0.25 of its time, accuracy +0.2300"
    )


def test_a_finished_run_is_not_repeated(tmp_path):
    file = tmp_path / "compact-0.json"

    assert run_once(file, lambda: RUNS[0]) == RUNS[0]
    assert json.loads(file.read_text())["accuracy"] == 0.99
    assert run_once(file, lambda: RUNS[1]) == RUNS[0]


@pytest.mark.slow
def test_the_tutorial_script_trains_on_a_tiny_set_and_writes_what_the_table_needs(
    tmp_path, monkeypatch
):
    # TFX sets this in the process that imports it, and the script would inherit it.
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    data, out = tmp_path / "data", tmp_path / "metrics.json"
    simulate_dataset(data, train=48, validation=16, workers=1)

    printed = subprocess.run(
        [sys.executable, BASELINE, data, "--epochs", "1", "--json", out],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    metrics = json.loads(out.read_text())
    assert json.loads(printed.splitlines()[-1]) == metrics
    assert 0 <= metrics["accuracy"] <= 1
    assert metrics["train_images_per_s"] == pytest.approx(32 / metrics["fit_s"])
    assert "macro avg" in printed
