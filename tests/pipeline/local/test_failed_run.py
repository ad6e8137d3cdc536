"""A failed run leaves its step and its message for programs."""

import json
import os

from pipeline.local.failed_run import remove_failure, write_failure
from pipeline.terminal.run_state import RUN


def test_the_step_and_the_message_are_recorded_until_a_run_finishes(tmp_path, monkeypatch):
    monkeypatch.setattr(RUN, "run_id", "2026-01-02T03:04:05")
    monkeypatch.setattr(RUN, "step", "Trainer")
    write_failure(str(tmp_path), 1, "Error: no space", "runs/logs/1.log")
    assert json.loads((tmp_path / "failed" / "metrics.json").read_text()) == {
        "run_id": "2026-01-02T03:04:05",
        "step": "Trainer",
        "exit_status": 1,
        "message": "Error: no space",
        "log": "runs/logs/1.log",
    }
    remove_failure(str(tmp_path))
    remove_failure(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_no_second_failure(tmp_path):
    (tmp_path / "failed").write_text("a file, where the folder should be")
    write_failure(str(tmp_path), 1, "Error: no space", "runs/logs/1.log")
    assert os.listdir(tmp_path) == ["failed"]
