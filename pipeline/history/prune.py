"""Finds what an output folder can do without: old runs, model versions, checkpoints and logs."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.report.artifact_files import REPORT_TYPE
from pipeline.history.records import RunRecord, connect_to_metadata, read_runs
from trainer.export.pushed_models import find_sound_models, list_pushed_models

LEAST_VERSIONS = 2
"""The model in service, and the one before it, which is the baseline of its evaluation."""


@dataclass(frozen=True)
class Limits:
    """What to keep.

    Attributes:
      runs: number of the newest runs whose artifacts and logs are kept, at least 1.
      versions: number of the newest model versions that are kept, at least `LEAST_VERSIONS`.
      days: nothing that was changed in the last so many days is removed.
    """

    runs: int = 10
    versions: int = 5
    days: float = 0.0


@dataclass(frozen=True)
class Removal:
    """A file or folder that can be removed.

    Attributes:
      kind: "artifacts", "versions", "checkpoints", "trials" or "logs".
      path: the file or folder.
    """

    kind: str
    path: Path


def find_removals(output: str, limits: Limits) -> list[Removal]:
    """Return what can be removed from an output folder.

    The served model, the model before it and the artifacts of the newest runs are never among it,
    so the next run finds everything that its cache needs. Artifacts in a bucket are left out:
    there, the rules of the bucket decide.

    Args:
      output: the output folder. No run may be writing to it.
      limits: what to keep.

    Raises:
      LookupError: the folder holds no runs.
      InvalidData: the record of the runs is damaged.
    """
    runs = read_runs(connect_to_metadata(output))
    kept = runs[-limits.runs :]
    if not any(REPORT_TYPE in run.artifacts for run in kept):
        kept += [run for run in runs if REPORT_TYPE in run.artifacts][-1:]
    newest_change = dt.datetime.now().timestamp() - limits.days * 86_400  # noqa: DTZ005
    folder = Path(output)
    candidates = [
        *(Removal("artifacts", path) for path in _list_artifacts(runs, kept)),
        *(Removal("versions", path) for path in _list_versions(output, limits.versions)),
        *(Removal("checkpoints", path) for path in _list_old(folder / "checkpoints", 2)),
        *(Removal("trials", path) for path in _list_old(folder / "checkpoints" / "trials", 1)),
        *(Removal("logs", path) for path in _list_old(folder / "logs", limits.runs)),
    ]
    return [removal for removal in candidates if removal.path.stat().st_mtime <= newest_change]


def measure_freed_bytes(paths: Sequence[Path]) -> int:
    """Return how much space is free once files and folders are removed.

    A file with several hard links takes space until the last of them is removed.
    """
    files = [path for path in paths if path.is_file()]
    for folder in paths:
        files += [path for path in folder.rglob("*") if path.is_file()]
    statuses = [path.lstat() for path in files]
    removed = Counter((file.st_dev, file.st_ino) for file in statuses)
    freed = {
        (file.st_dev, file.st_ino): file.st_blocks * 512
        for file in statuses
        if removed[file.st_dev, file.st_ino] == file.st_nlink
    }
    return sum(freed.values())


def _list_artifacts(runs: Sequence[RunRecord], kept: Sequence[RunRecord]) -> Iterator[Path]:
    """Yield the folders of artifacts that no kept run has, also those of steps that were killed."""
    all_paths = {Path(uri) for run in runs for uri in _list_local(run)}
    kept_paths = {Path(uri) for run in kept for uri in _list_local(run)}
    # The folders are ROOT/STEP/OUTPUT/NUMBER.
    for root in sorted({path.parents[2] for path in all_paths}):
        for path in sorted(root.glob("*/*/*")):
            if path.name.isdigit() and path not in kept_paths:
                yield path


def _list_local(run: RunRecord) -> list[str]:
    return [uri for uris in run.artifacts.values() for uri in uris if "://" not in uri]


def _list_versions(output: str, count: int) -> Iterator[Path]:
    serving = os.path.join(output, "serving")
    sound = [model.path for model in find_sound_models(serving)][: max(count, LEAST_VERSIONS)]
    for model in list_pushed_models(serving):
        if model.path not in sound:
            yield Path(model.path)


def _list_old(folder: Path, count: int) -> Iterator[Path]:
    """Yield all but the newest files and folders in a folder."""
    if folder.is_dir():
        paths = [path for path in folder.iterdir() if path.name != "trials"]
        yield from sorted(paths, key=lambda path: path.stat().st_mtime)[:-count]
