"""Starts a worker of a cluster as a process of its own, and follows it to its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import attr
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from data.invalid import InvalidData
from trainer.distributed.strategy import cluster_of
from trainer.export.model_run import WORKER_ARGUMENTS
from trainer.watching.epoch_log import logger

# Exit status of a worker that refuses its input, as of the command line.
REFUSED = 2

# Factories of data sets cannot be written to a file, and `run_fn` does not use them.
_LEFT_OUT = ("data_accessor",)


def run_worker(fn_args: FnArgs) -> None:
    """Run `trainer.distributed.worker` with these arguments, and log here what it logs.

    Raises:
      InvalidData: the worker refused its input.
      RuntimeError: it failed.
    """
    cluster = cluster_of()
    file = os.path.join(fn_args.model_run_dir, WORKER_ARGUMENTS)
    write_arguments(fn_args, file)
    logger.info(
        "worker %d of %d waits for the others: TF_CONFIG=... python -m trainer.distributed.worker %s",
        cluster.index,
        len(cluster.addresses),
        file,
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "trainer.distributed.worker", file, "--records"],
        stdout=subprocess.PIPE,
        text=True,
    )
    refusal = ""
    try:
        for line in worker.stdout:
            record = _record(line)
            if record is None:
                sys.stdout.write(line)
            elif record["refused"]:
                refusal = record["message"]
            else:
                logger.info(record["message"], extra={"transient": record["transient"]})
        status = worker.wait()
    finally:
        # Of use where this process is told to end. TensorFlow catches SIGTERM in a worker, to
        # tell the others, and goes on.
        worker.kill()
        worker.wait()
    if status == REFUSED:
        raise InvalidData(refusal)
    if status:
        raise RuntimeError(
            f"The worker process ended with status {status}; what it printed is in the log. Where "
            "several workers train, all of them end when one does: look at each one's log."
        )


def write_arguments(fn_args: FnArgs, file: str) -> None:
    """Write the arguments of `run_fn`, for workers to read."""
    arguments = attr.asdict(fn_args, filter=lambda field, _: field.name not in _LEFT_OUT)
    tf.io.gfile.makedirs(os.path.dirname(file))
    with tf.io.gfile.GFile(file, "w") as stream:
        json.dump(arguments, stream, indent=2)


def read_arguments(file: str) -> FnArgs:
    """Return the arguments that `write_arguments` has written.

    Raises:
      InvalidData: the file is missing, or is something else.
    """
    try:
        with tf.io.gfile.GFile(file) as stream:
            return FnArgs(**json.load(stream))
    except (tf.errors.OpError, ValueError, TypeError) as error:
        raise InvalidData(
            f"{file} does not hold the arguments of a training run "
            f"({str(error).splitlines()[0]}). The chief's Trainer step writes such a file."
        ) from None


def record_line(message: str, transient: bool = False, refused: bool = False) -> str:
    """Return a line by which a worker process tells the one that started it what it logs."""
    return json.dumps({"message": message, "transient": transient, "refused": refused})


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "refused" in record else None
