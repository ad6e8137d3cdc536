"""Runs the pipeline on this machine, with ML Metadata in a SQLite file."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from typing import Any

from absl import logging
from rich.console import Console
from rich.markup import escape

from data.reading.input_files import is_remote
from data.storage.tfx_plugin import register_object_stores
from pipeline.beam_args import provide_secrets
from pipeline.config.config import Config
from pipeline.dag import create_pipeline
from pipeline.history.records import create_metadata, read_newest_run, read_steps
from pipeline.local.artifact_digests import ArtifactDigests
from pipeline.local.artifact_root import claim_artifact_root
from pipeline.local.latest import write_latest
from pipeline.local.stepwise_runner import StepwiseRunner
from pipeline.terminal.run_display import RunDisplay
from pipeline.terminal.run_state import RUN
from trainer import models
from trainer.fitting.starting_weights import find_newest_fitting
from trainer.settings import resolve_normalisation


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
      latest: folder with the results.
      metrics: content of metrics.json in that folder.
    """

    latest: str
    metrics: dict[str, Any]


def run_pipeline(config: Config, console: Console) -> Outcome:
    """Run the whole pipeline. The caller has locked the output folder.

    Args:
      config: a checked configuration.
      console: the user's console.

    Raises:
      InvalidData: a step refused the data, or the record of earlier runs is damaged.
      ConfigError: the folder of artifacts belongs to another output folder.
    """
    register_object_stores()
    # For the log file: absl drops TFX's messages about each step by default.
    logging.set_verbosity(logging.INFO)
    # Local time, like the ids that LocalDagRunner gives.
    RUN.run_id = dt.datetime.now().isoformat()  # noqa: DTZ005 - see above
    output = os.path.abspath(config.output)
    connection = create_metadata(output)
    # Absolute paths, so that the cache recognises the same data from any working directory.
    paths = ("data", "artifacts", "initial_weights", "schema_file")
    config = config.model_copy(update={key: _make_absolute(getattr(config, key)) for key in paths})
    root = config.artifacts or os.path.join(output, "artifacts")
    claim_artifact_root(root, output, connection)
    serving_dir = os.path.join(output, "serving")
    pipeline = create_pipeline(
        config,
        root=root,
        serving_dir=serving_dir,
        accepted_statistics_dir=os.path.join(output, "accepted_statistics"),
        checkpoint_dir=os.path.join(output, "checkpoints"),
        warm_start_from=_find_warm_start(config, serving_dir, console) if config.warm_start else "",
        metadata=connection,
    )
    display = RunDisplay(console, steps=len(pipeline.components))
    with provide_secrets(config.beam.args), display:
        digests = ArtifactDigests(output)
        StepwiseRunner(connection, RUN.run_id, digests, display.start, display.finish).run(pipeline)
    run = read_newest_run(connection)
    steps = read_steps(connection, RUN.run_id)
    return Outcome(*write_latest(output, run, steps.values()))


def _find_warm_start(config: Config, serving_dir: str, console: Console) -> str:
    """Return the pushed model to start from, or an empty string; tell the user why.

    The training step could find it as well. But then the step would have the same inputs for
    every pushed model, and the cache would reuse an output that started from another one.
    """
    network = models.load(config.model).build(config.height, config.width, len(config.classes))
    normalise = resolve_normalisation({"model": config.model, "normalise": config.normalise})
    pushed, explanation = find_newest_fitting(serving_dir, network, config.classes, normalise)
    console.print(escape(explanation))
    return pushed.path if pushed else ""


def _make_absolute(path: str) -> str:
    return path if not path or is_remote(path) else os.path.abspath(path)
