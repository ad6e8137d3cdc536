"""The runs into an output folder and their results."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from components.report.artifact_files import METRICS_FILE, PAGE_FILE, REPORT_TYPE
from data.invalid import InvalidData
from data.storage import files
from pipeline.history.digests import Digests
from pipeline.history.records import RunRecord, connect_to_metadata, read_runs


@dataclass(frozen=True)
class PastRun:
    """A run of the pipeline.

    Attributes:
      number: position among the runs into the output folder, from 1.
      run_id: start of the run, ISO 8601, local time.
      report: folder of the report; empty if the run has none.
      metrics: content of the report's metrics.json; empty if the run has none.
      damaged: a file of the report that is not as it was written; empty if there is none. Such a
        run has no metrics.
    """

    number: int
    run_id: str
    report: str
    metrics: dict[str, Any]
    damaged: str = ""

    @property
    def problem(self) -> str:
        """What to tell the user about the damage; empty if there is none."""
        return self.damaged and (
            f"{self.damaged} is damaged. Restore it from a copy. If run {self.number} is the "
            "newest, its command makes it anew."
        )

    @property
    def page(self) -> str:
        """Path of the report's page."""
        return files.join(self.report, PAGE_FILE)

    @property
    def worst_class(self) -> tuple[str, float]:
        """The class with the lowest recall, and that recall."""
        recalls = {name: metrics["recall"] for name, metrics in self.metrics["classes"].items()}
        return min(recalls.items(), key=lambda item: item[1])


def list_past_runs(output: str) -> list[PastRun]:
    """Return the runs into an output folder, oldest first.

    Raises:
      LookupError: the folder holds no runs.
      InvalidData: the record of the runs is damaged.
    """
    records, digests = read_runs(connect_to_metadata(output)), Digests(output)
    return [_read_run(number, record, digests) for number, record in enumerate(records, start=1)]


def _read_run(number: int, record: RunRecord, digests: Digests) -> PastRun:
    report = (record.artifacts.get(REPORT_TYPE) or [""])[-1]
    file = files.join(report, METRICS_FILE)
    # The folder has no metrics if the step was interrupted or somebody removed the files.
    if not report or not files.exists(file):
        return PastRun(number, record.run_id, "", {})
    damaged = digests.find_damage(report)
    if not damaged:
        try:
            return PastRun(number, record.run_id, report, json.loads(files.read_text(file)))
        except ValueError:
            damaged = file
    return PastRun(number, record.run_id, report, {}, damaged)


def find_run(runs: list[PastRun], name: str) -> PastRun:
    """Return the run that a user names.

    Args:
      runs: the runs to choose from, oldest first.
      name: the number of a run, the beginning of its id, or `latest` for the newest with a report.

    Raises:
      LookupError: no run or several runs match, or the run has no report.
      InvalidData: its report is damaged.
    """
    if name == "latest":
        matches = [run for run in runs if run.report][-1:]
        if not matches:
            raise LookupError(f"None of {len(runs)} runs has a report yet.")
    elif name.isdigit() and len(name) < 4:
        matches = [run for run in runs if run.number == int(name)]
    else:
        matches = [run for run in runs if run.run_id.startswith(name)]
    if len(matches) != 1:
        problem = "several runs begin" if matches else "no run begins"
        raise LookupError(
            f'There are {len(runs)} runs; {problem} with "{name}". '
            "Give a number or the beginning of a date as `radio-signals runs` lists them."
        )
    if not matches[0].report:
        raise LookupError(f"Run {matches[0].number} ended before its report was written.")
    if matches[0].problem:
        raise InvalidData(matches[0].problem)
    return matches[0]


def write_comparison(output: str, first: PastRun, second: PastRun) -> str:
    """Write a page with two runs side by side to OUTPUT/comparisons and return its path."""
    # Imported here because it loads Matplotlib, which `radio-signals runs` does not need.
    from components.report.page.comparison import render_comparison

    page = os.path.join(output, "comparisons", f"{first.number}-{second.number}.html")
    metrics_by_run = {f"run {run.number}": run.metrics for run in (first, second)}
    files.write_file(page, render_comparison(metrics_by_run))
    return page
