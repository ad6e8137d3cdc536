"""Runs that start from a model that an earlier run pushed."""

import pytest

from tests.end_to_end.support.pipeline_runs import SMALL, pushed_versions, run_pipeline

pytestmark = pytest.mark.long


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
    assert "has another architecture; training starts from random weights" in other.text
