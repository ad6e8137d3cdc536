"""A search that is killed and resumes, and the training with its best settings."""

import csv

import pytest
import yaml

from tests.end_to_end.support.pipeline_runs import SMALL, kill_run, run_pipeline

pytestmark = pytest.mark.long

SEARCH = (*SMALL, "--set=thresholds.accuracy=0", "--epochs=1", "--trial-epochs=1")
SEARCH = (*SEARCH, "--set=tuning.algorithm=random", "--batch-size=32")


@pytest.fixture(scope="module")
def killed(small_data, tmp_path_factory):
    """The output folder of a search that was killed in its second trial."""
    output = tmp_path_factory.mktemp("tuning") / "runs"
    kill_run("trial 2/3", small_data, output, *SEARCH, "--trials=3", command="tune")
    assert not (output / "latest").exists()
    return output


@pytest.fixture(scope="module")
def resumed(small_data, killed):
    run = run_pipeline(small_data, killed, *SEARCH, "--trials=3", command="tune")
    assert run.status == 0, run.text
    return run


def leaderboard(run):
    with open(run.latest / "tuning.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_killed_search_resumes_and_reuses_the_finished_trials(killed, resumed):
    # Two, if the second trial finished before the kill.
    assert 1 <= resumed.text.count("from storage") <= 2
    first = resumed.text.index("trial 1/3")
    assert first < resumed.text.index("from storage") < resumed.text.index("trial 2/3")
    rows = leaderboard(resumed)
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert {row["trial"] for row in rows} == {"1", "2", "3"}
    accuracies = [float(row["val_accuracy"]) for row in rows]
    assert accuracies == sorted(accuracies, reverse=True)
    assert len(list((killed / "checkpoints" / "trials").iterdir())) == 3, "nothing else is left"


def test_the_model_is_trained_with_the_best_settings_and_records_them(resumed):
    assert resumed.steps.index("Tuner") + 1 == resumed.steps.index("Trainer")
    best = yaml.safe_load((resumed.latest / "tuned.yaml").read_text())
    training = resumed.metrics["training"]
    assert training["tuned"] == best
    assert training["schedule"]["initial_rate"] == best["schedule.initial_rate"]
    assert float(leaderboard(resumed)[0]["schedule.initial_rate"]) == best["schedule.initial_rate"]
    assert "batch_size" not in best, "the command line had set it"
    assert training["batch_size"] == 32
    assert resumed.card["training"]["tuned"] == best


def test_a_repeated_search_is_answered_from_the_cache(small_data, resumed):
    again = run_pipeline(small_data, resumed.output, *SEARCH, "--trials=3", command="tune")
    assert {"Tuner", "Trainer"} <= set(again.metrics["cached"])
    assert leaderboard(again) == leaderboard(resumed)
    assert "rank  trial  accuracy" in again.text


def test_the_best_settings_are_a_configuration_for_later_runs(small_data, resumed):
    tuned = f"--config={resumed.latest / 'tuned.yaml'}"
    settings = (*SMALL, "--set=thresholds.accuracy=0", "--epochs=1", "--batch-size=32", tuned)
    later = run_pipeline(small_data, resumed.output, *settings)
    assert "Tuner" not in later.steps
    assert later.metrics["training"]["tuned"] == {}
    assert not (later.latest / "tuning.csv").exists()
    for key in ("schedule", "augment", "optimizer", "label_smoothing"):
        assert later.metrics["training"][key] == resumed.metrics["training"][key]
    assert later.card["model_id"] == resumed.card["model_id"], "a digest of all weights"
