"""Runs that were killed, and runs that start from what an earlier one pushed."""

import pytest

from tests.end_to_end.pipeline_runs import SMALL, kill_run, pushed_versions, run_pipeline

pytestmark = pytest.mark.slow


def test_a_run_killed_while_it_trains_ends_like_one_that_was_not(small_data, first_run, tmp_path):
    output = tmp_path / "runs"
    # The line comes before the epoch's checkpoint: the first two are sure to be saved.
    kill_run("epoch 3/4  loss", small_data, output, *SMALL)
    assert not (output / "latest").exists()
    resumed = run_pipeline(small_data, output, *SMALL)
    assert resumed.status == 0, resumed.text
    assert "of 4, the first" in resumed.text
    assert "epoch 2/4  loss" not in resumed.text
    assert resumed.card["model_id"] == first_run.card["model_id"], "a digest of all weights"
    assert resumed.training_log == first_run.training_log
    (resumed_after,) = resumed.metrics["training"]["resumed_after_epochs"]
    assert resumed_after in (2, 3), "the kill may come late"
    assert list((output / "checkpoints").iterdir()) == []


@pytest.mark.long
def test_a_warm_start_begins_with_the_newest_pushed_model(small_data, first_run, tmp_path):
    output = tmp_path / "runs"
    settings = (*SMALL, "--warm-start", "--epochs=1", "--set=thresholds.accuracy=0")
    cold = run_pipeline(small_data, output, *settings)
    assert cold.status == 0, cold.text
    assert "nothing has been pushed yet; training starts from random weights" in cold.text
    assert cold.metrics["training"]["started_from"]["kind"] == "random"
    (version,) = pushed_versions(output)
    warm = run_pipeline(small_data, output, *settings, "--set=schedule.initial_rate=1e-9")
    assert f"warm start from {output}/serving/{version}" in warm.text
    assert warm.metrics["training"]["started_from"] == {
        "kind": "pushed model",
        "path": f"{output}/serving/{version}",
        "identity": cold.card["model_id"],
    }
    other = run_pipeline(small_data, output, *settings, "--model=reference")
    assert "is of another architecture; training starts from random weights" in other.text
