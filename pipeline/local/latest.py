"""The folder OUTPUT/latest: the results of the newest run under fixed names."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from typing import Any

from components.report.artifact_files import (
    METRICS_FILE,
    MISCLASSIFIED_FILE,
    PAGE_FILE,
    REPORT_TYPE,
    TABLE_FILE,
)
from data.storage import files
from pipeline.history.records import RunRecord, StepRecord
from trainer.export.model_run import BEST_WEIGHTS, TRAINING_LOG
from trainer.tuning.leaderboard import BEST_SETTINGS, LEADERBOARD


def write_latest(
    output: str, run: RunRecord, steps: Collection[StepRecord]
) -> tuple[str, dict[str, Any]]:
    """Replace OUTPUT/latest with the results of a run.

    Args:
      output: the output folder.
      run: the run.
      steps: the steps of the run, in the order of their execution.

    Returns:
      The folder and the content of its metrics.json.
    """
    latest = os.path.join(output, "latest")
    # A reader must never see files of two runs, so the folder is filled under another name.
    unfinished, previous = f"{latest}.new", f"{latest}.old"
    for leftover in (unfinished, previous):
        if files.exists(leftover):
            files.remove_folder(leftover)
    for folder, name in _list_results(run):
        files.copy_file(files.join(folder, name), os.path.join(unfinished, name))
    metrics = json.loads(files.read_text(files.join(run.get_folder(REPORT_TYPE), METRICS_FILE)))
    metrics["seconds"] = {step.step: round(step.seconds, 3) for step in steps}
    metrics["cached"] = sorted(step.step for step in steps if step.cached)
    metrics["run_id"] = run.run_id
    files.write_file(os.path.join(unfinished, METRICS_FILE), json.dumps(metrics, indent=2))
    if files.exists(latest):
        files.move_file(latest, previous)
    files.move_file(unfinished, latest)
    if files.exists(previous):
        files.remove_folder(previous)
    return latest, metrics


def _list_results(run: RunRecord) -> list[tuple[str, str]]:
    """Return the folder and the name of each file to copy."""
    names = {
        REPORT_TYPE: (PAGE_FILE, TABLE_FILE, MISCLASSIFIED_FILE),
        "ModelRun": (TRAINING_LOG, BEST_WEIGHTS),
    }
    if "TunerResults" in run.artifacts:
        names["TunerResults"] = (LEADERBOARD, BEST_SETTINGS)
    return [
        (run.get_folder(type_name), name) for type_name, group in names.items() for name in group
    ]
