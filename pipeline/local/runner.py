"""Runs the pipeline on this machine, with ML Metadata in a SQLite file."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
from dataclasses import dataclass
from typing import Any

from absl import logging as absl_logging
from ml_metadata.proto import metadata_store_pb2
from rich.console import Console
from rich.markup import escape

from data.reading.input_files import is_remote
from data.storage.tfx_plugin import register_object_stores
from pipeline.beam_args import provide_secrets
from pipeline.config.config import Config
from pipeline.dag import create_pipeline
from pipeline.history.digests import Digests
from pipeline.history.records import METADATA_FILE, create_metadata, read_newest_run, read_steps
from pipeline.local.artifact_root import claim_artifact_root
from pipeline.local.latest import write_latest
from pipeline.local.stepwise_runner import StepwiseRunner
from pipeline.terminal.run_display import RunDisplay
from pipeline.terminal.run_state import RUN
from trainer import models
from trainer.fitting.starting_weights import find_newest_fitting
from trainer.settings import resolve_normalisation

_LOG = logging.getLogger("radio_signals.artifacts")


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
    absl_logging.set_verbosity(absl_logging.INFO)
    # Local time, like the ids that LocalDagRunner gives.
    RUN.run_id = dt.datetime.now().isoformat()  # noqa: DTZ005 - see above
    output = os.path.abspath(config.output)
    connection = create_metadata(output)
    try:
        return _run_steps(config, output, connection, console)
    finally:
        # What ended the run matters more than a disk that is full.
        with contextlib.suppress(OSError):
            Digests(output).add_record(os.path.join(output, METADATA_FILE))


def _run_steps(
    config: Config,
    output: str,
    connection: metadata_store_pb2.ConnectionConfig,
    console: Console,
) -> Outcome:
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
        digests = Digests(output)
        if digests.problem:
            _LOG.warning(digests.problem)
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
