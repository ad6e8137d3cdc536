"""OUTPUT/failed/metrics.json: why the newest run failed, for programs."""

from __future__ import annotations

import contextlib
import json
import os

from components.report.artifact_files import METRICS_FILE
from data.storage import files
from pipeline.terminal.run_state import RUN

_FOLDER = "failed"


def write_failure(output: str, status: int, message: str, log_file: str) -> None:
    """Record a run that failed, was refused or was interrupted.

    Args:
      output: the output folder.
      status: exit status of the command.
      message: what the user was told.
      log_file: the log of the run.
    """
    facts = {
        "run_id": RUN.run_id,
        "step": RUN.step,
        "exit_status": status,
        "message": message,
        "log": log_file,
    }
    # The user has been told why. A disk that is full is no second failure.
    with contextlib.suppress(OSError):
        files.write_file(os.path.join(output, _FOLDER, METRICS_FILE), json.dumps(facts, indent=2))


def remove_failure(output: str) -> None:
    """Remove the record of an earlier failure, after a run that finished."""
    folder = os.path.join(output, _FOLDER)
    if files.exists(folder):
        files.remove_folder(folder)
