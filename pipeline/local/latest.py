"""The folder OUTPUT/latest: the results of the newest run under fixed names."""

from __future__ import annotations

import json
import os
import uuid
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

# The folders that OUTPUT/latest links to, of which only the newest is kept.
_RESULTS = ".latest-"


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
    # A reader must never see files of two runs, and never miss the folder. So it is a link, which
    # is replaced in one step when the new folder is complete.
    target = f"{_RESULTS}{uuid.uuid4().hex}"
    folder = os.path.join(output, target)
    for source, name in _list_results(run):
        files.copy_file(files.join(source, name), os.path.join(folder, name))
    metrics = json.loads(files.read_text(files.join(run.get_folder(REPORT_TYPE), METRICS_FILE)))
    metrics["seconds"] = {step.step: round(step.seconds, 3) for step in steps}
    metrics["cached"] = sorted(step.step for step in steps if step.cached)
    metrics["run_id"] = run.run_id
    files.write_file(os.path.join(folder, METRICS_FILE), json.dumps(metrics, indent=2))
    link = os.path.join(output, f"{target}.link")
    os.symlink(target, link)
    if os.path.isdir(latest) and not os.path.islink(latest):  # of an older version
        files.move_file(latest, os.path.join(output, f"{_RESULTS}old"))
    files.move_file(link, latest)
    for name in os.listdir(output):
        if name.startswith(_RESULTS) and name != target:
            _remove(os.path.join(output, name))
    return latest, metrics


def _remove(path: str) -> None:
    """Remove a folder, or a link that a killed run left."""
    if os.path.islink(path):
        os.remove(path)
    else:
        files.remove_folder(path)


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
