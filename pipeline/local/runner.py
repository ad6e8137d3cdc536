"""Runs the graph on this machine: TFX's LocalDagRunner, ML Metadata in a SQLite file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from data.reading.files import is_remote
from pipeline.config.config import Config
from pipeline.dag import create_pipeline
from pipeline.history.records import metadata_connection, newest_run
from pipeline.local.latest import write_latest
from pipeline.terminal.progress import Progress
from trainer import models
from trainer.fitting.starting_weights import newest_fitting
from trainer.settings import normalisation


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


def run(config: Config, console: Console) -> Outcome:
    """Run the pipeline to its end. The caller is the sole user of the output folder.

    Args:
      config: a checked configuration.
      console: where progress is shown.

    Raises:
      InvalidData: the input was refused before training.
    """
    output = os.path.abspath(config.output)
    connection = metadata_connection(output)
    # Absolute, so that the same data are the same to the cache from wherever the run started.
    paths = ("data", "artifacts", "initial_weights", "schema_file")
    config = config.model_copy(update={key: _absolute(getattr(config, key)) for key in paths})
    serving_dir = os.path.join(output, "serving")
    pipeline = create_pipeline(
        config,
        root=config.artifacts or os.path.join(output, "artifacts"),
        serving_dir=serving_dir,
        accepted_statistics_dir=os.path.join(output, "accepted_statistics"),
        checkpoint_dir=os.path.join(output, "checkpoints"),
        warm_start_from=_warm_start(config, serving_dir, console) if config.warm_start else "",
        metadata=connection,
    )
    with Progress(console, steps=len(pipeline.components)) as progress:
        LocalDagRunner().run(pipeline)
    latest, metrics = write_latest(
        output, newest_run(connection), progress.seconds, progress.cached
    )
    return Outcome(latest, metrics, progress.cached)


def _warm_start(config: Config, serving_dir: str, console: Console) -> str:
    """The pushed model to start from, empty where there is none; says which, or why none.

    Found now and not by the training step, so that the cache knows one model from the next.
    """
    network = models.load(config.model).build(config.height, config.width, len(config.classes))
    seen = normalisation({"model": config.model, "normalise": config.normalise})
    pushed, found = newest_fitting(serving_dir, network, list(config.classes), seen)
    console.print(escape(found))
    return pushed.path if pushed else ""


def _absolute(path: str) -> str:
    return path if not path or is_remote(path) else os.path.abspath(path)
