"""Starts a worker of a cluster as its own process and waits for it to end."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import attr
from tfx.components.trainer.fn_args_utils import FnArgs

from data.invalid import InvalidData
from data.storage import files
from trainer.distributed.strategy import Cluster
from trainer.export.model_run import WORKER_ARGUMENTS
from trainer.watching.epoch_log import logger

# Exit status of a worker that refuses its input; the command line uses the same.
REFUSED = 2

# This field holds functions, which JSON cannot represent and `run_fn` does not use.
_LEFT_OUT = ("data_accessor",)


def run_worker(fn_args: FnArgs, cluster: Cluster) -> None:
    """Run `trainer.worker` with these arguments, and pass on its log records.

    Args:
      fn_args: TFX's arguments of `run_fn`.
      cluster: the cluster that this process belongs to.

    Raises:
      InvalidData: the worker refused its input.
      RuntimeError: the worker failed.
    """
    file = files.join(fn_args.model_run_dir, WORKER_ARGUMENTS)
    write_arguments(fn_args, file)
    command = ["-m", "trainer.worker", file]
    logger.info(
        "worker %d of %d waits for the others: TF_CONFIG=... python %s",
        cluster.index,
        len(cluster.addresses),
        " ".join(command),
    )
    worker = subprocess.Popen(
        [sys.executable, *command, "--records"], stdout=subprocess.PIPE, text=True
    )
    refusal = ""
    try:
        for line in worker.stdout or ():
            record = _parse_record(line)
            if record is None:
                sys.stdout.write(line)
            elif record["refused"]:
                refusal = record["message"]
            else:
                logger.info(record["message"], extra={"transient": record["transient"]})
        status = worker.wait()
    finally:
        # If this process is told to end, the worker must be killed: TensorFlow catches SIGTERM in
        # a worker, to tell the others, and continues.
        worker.kill()
        worker.wait()
    if status == REFUSED:
        raise InvalidData(refusal)
    if status:
        raise RuntimeError(
            f"The worker process ended with status {status}; its output is in the log. If several "
            "workers train, all of them end when one does: look at the log of each worker."
        )


def write_arguments(fn_args: FnArgs, file: str) -> None:
    """Write the arguments of `run_fn`, for workers to read."""
    arguments = attr.asdict(fn_args, filter=lambda field, _: field.name not in _LEFT_OUT)
    files.write_file(file, json.dumps(arguments, indent=2))


def read_arguments(file: str) -> FnArgs:
    """Return the arguments that `write_arguments` wrote.

    Raises:
      InvalidData: the file is missing or does not contain such arguments.
    """
    try:
        return FnArgs(**json.loads(files.read_text(file)))
    except (FileNotFoundError, ValueError, TypeError) as error:
        raise InvalidData(
            f"{file} does not hold the arguments of a training run "
            f"({str(error).splitlines()[0]}). The chief's Trainer step writes such a file."
        ) from None


def format_record(message: str, transient: bool = False, refused: bool = False) -> str:
    """Return the line of JSON with which a worker passes a log record to its parent process."""
    return json.dumps({"message": message, "transient": transient, "refused": refused})


def _parse_record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "refused" in record else None
