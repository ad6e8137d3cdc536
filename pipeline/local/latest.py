"""The folder OUTPUT/latest: the newest run's results under fixed names."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

import tensorflow as tf

from components.report.artifact_files import (
    METRICS_FILE,
    MISCLASSIFIED_FILE,
    PAGE_FILE,
    REPORT_TYPE,
    TABLE_FILE,
)
from pipeline.history.records import RunRecord
from trainer.export.model_run import BEST_WEIGHTS, TRAINING_LOG
from trainer.tuning.leaderboard import BEST_SETTINGS, LEADERBOARD


def write_latest(
    output: str, record: RunRecord, seconds: dict[str, float], cached: set[str]
) -> tuple[str, dict[str, Any]]:
    """Replace OUTPUT/latest by the results of a run.

    Args:
      output: the output folder.
      record: the run.
      seconds: wall-clock seconds by node id.
      cached: ids of the nodes answered from the cache.

    Returns:
      The folder, and the content of its metrics.json.
    """
    report, model_run = record.only(REPORT_TYPE), record.only("ModelRun")
    folder = os.path.join(output, "latest")
    # Made beside and swapped in: a reader never sees half of one run and half of another.
    fresh, stale = folder + ".new", folder + ".old"
    for leftover in (fresh, stale):
        shutil.rmtree(leftover, ignore_errors=True)
    os.makedirs(os.path.join(fresh, os.path.dirname(BEST_WEIGHTS)))
    results = [
        (report, PAGE_FILE),
        (report, TABLE_FILE),
        (report, MISCLASSIFIED_FILE),
        (model_run, TRAINING_LOG),
        (model_run, BEST_WEIGHTS),
    ]
    if "TunerResults" in record.artifacts:
        search = record.only("TunerResults")
        results += [(search, LEADERBOARD), (search, BEST_SETTINGS)]
    for artifact, name in results:
        # Not shutil: artifacts may be in a bucket.
        tf.io.gfile.copy(os.path.join(artifact, name), os.path.join(fresh, name))
    with tf.io.gfile.GFile(os.path.join(report, METRICS_FILE)) as file:
        metrics = json.load(file)
    metrics["seconds"] = {node: round(value, 3) for node, value in seconds.items()}
    metrics["cached"] = sorted(cached)
    metrics["run_id"] = record.run_id
    with open(os.path.join(fresh, METRICS_FILE), "w", encoding="utf-8") as file:
        json.dump(metrics, file, indent=2)
    if os.path.exists(folder):
        os.rename(folder, stale)
    os.rename(fresh, folder)
    shutil.rmtree(stale, ignore_errors=True)
    return folder, metrics
