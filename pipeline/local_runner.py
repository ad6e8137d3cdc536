"""Runs the graph on this machine: TFX's LocalDagRunner, ML Metadata in a SQLite file."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from rich.console import Console
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config

from pipeline.config import Config
from pipeline.dag import create_pipeline
from pipeline.latest import write_latest
from pipeline.progress import Progress
from pipeline.records import newest_run


class OutputInUse(RuntimeError):
    """Another process is running the pipeline into the same output folder."""


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
      latest: the folder with its results.
      metrics: the content of metrics.json there.
      cached: ids of the nodes answered from the cache.
    """

    latest: str
    metrics: dict[str, Any]
    cached: set[str]


def metadata_connection(output: str) -> metadata_store_pb2.ConnectionConfig:
    """Return where the metadata of an output folder are."""
    return sqlite_metadata_connection_config(os.path.join(output, "metadata.sqlite"))


def run(config: Config, console: Console) -> Outcome:
    """Run the pipeline to its end.

    Args:
      config: a checked configuration.
      console: where progress is shown.

    Raises:
      InvalidData: the input was refused before training.
      OutputInUse: another run holds the output folder.
    """
    output = os.path.abspath(config.output)
    connection = metadata_connection(output)
    # Absolute, so that the same data are the same to the cache from wherever the run started.
    paths = ("data", "initial_weights", "schema_file")
    config = config.model_copy(update={key: _absolute(getattr(config, key)) for key in paths})
    with _sole_user_of(output):
        pipeline = create_pipeline(
            config,
            root=os.path.join(output, "artifacts"),
            serving_dir=os.path.join(output, "serving"),
            metadata=connection,
        )
        with Progress(console, steps=len(pipeline.components)) as progress:
            LocalDagRunner().run(pipeline)
        latest, metrics = write_latest(
            output, newest_run(connection), progress.seconds, progress.cached
        )
    return Outcome(latest, metrics, progress.cached)


def _absolute(path: str) -> str:
    return path if not path or "://" in path else os.path.abspath(path)


@contextlib.contextmanager
def _sole_user_of(output: str) -> Iterator[None]:
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, ".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputInUse(
                f"Another run is writing to {output}. Wait for it, or give --output another folder."
            ) from None
        yield
