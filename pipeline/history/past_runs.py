"""The runs into an output folder, and what came of each."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from components.report.artifact_files import METRICS_FILE, PAGE_FILE, REPORT_TYPE
from data.reading.files import is_remote
from pipeline.history.records import all_runs, metadata_connection


@dataclass(frozen=True)
class PastRun:
    """A run of the pipeline.

    Attributes:
      number: 1 is the first into its output folder.
      run_id: the time it started, ISO 8601, local time.
      report: folder of its report; empty for a run that did not come that far.
      metrics: content of the report's metrics.json, empty without one.
    """

    number: int
    run_id: str
    report: str
    metrics: dict[str, Any]

    @property
    def page(self) -> str:
        """The report's page."""
        return os.path.join(self.report, PAGE_FILE)

    @property
    def worst_class(self) -> tuple[str, float]:
        """The class that is found least often, and how often that is."""
        recalls = {name: of["recall"] for name, of in self.metrics["classes"].items()}
        name = min(recalls, key=recalls.get)
        return name, recalls[name]


def past_runs(output: str) -> list[PastRun]:
    """Return the runs into an output folder, oldest first.

    Raises:
      LookupError: nothing has been run into it.
    """
    if not os.path.exists(os.path.join(output, "metadata.sqlite")):
        raise LookupError(f"{output} holds no runs. Name the output folder of a run with --output.")
    runs = []
    for number, record in enumerate(all_runs(metadata_connection(output)), start=1):
        report = (record.artifacts.get(REPORT_TYPE) or [""])[-1]
        metrics = _read_json(os.path.join(report, METRICS_FILE)) if report else {}
        # A report that is not there: the step was cut short, or somebody made room.
        runs.append(PastRun(number, record.run_id, report if metrics else "", metrics))
    return runs


def find_run(runs: list[PastRun], wanted: str) -> PastRun:
    """Return a run by its number, or by the beginning of its id; `latest` is the newest reported.

    Raises:
      LookupError: there is none, several begin so, or it has no report.
    """
    if wanted == "latest":
        found = [run for run in runs if run.report][-1:]
    elif wanted.isdigit() and len(wanted) < 4:
        found = [run for run in runs if run.number == int(wanted)]
    else:
        found = [run for run in runs if run.run_id.startswith(wanted)]
    if len(found) != 1:
        many = "several runs begin" if found else "no run begins"
        raise LookupError(
            f'There are {len(runs)} runs; {many} with "{wanted}". '
            "Give a number or the beginning of a date as `radio-signals runs` lists them."
        )
    if not found[0].report:
        raise LookupError(f"Run {found[0].number} did not come as far as its report.")
    return found[0]


def _read_json(path: str) -> dict[str, Any]:
    if is_remote(path):
        # Only a bucket is worth the seconds that loading TensorFlow takes.
        from tensorflow.io import gfile

        exists, opened = gfile.exists, gfile.GFile
    else:
        exists, opened = os.path.exists, open
    if not exists(path):
        return {}
    with opened(path) as file:
        return json.load(file)
