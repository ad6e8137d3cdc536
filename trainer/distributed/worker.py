"""`python -m trainer.distributed.worker FILE`: train as one worker of the cluster in `TF_CONFIG`.

FILE holds the arguments of `run_fn` in JSON (`trainer.distributed.worker_process.write_arguments`). Every
worker gets the same ones, and has to reach the same folders or buckets.

Exit status: 0 trained, and the chief has exported; 2 input refused; 1 anything else, such as the
end of another worker.
"""

from __future__ import annotations

import argparse
import logging
import sys

from data.invalid import InvalidData
from trainer.distributed.strategy import choose
from trainer.distributed.worker_process import REFUSED, read_arguments, record_line
from trainer.settings import resolve
from trainer.training import train_and_export
from trainer.watching.epoch_log import logger


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return record_line(record.getMessage(), getattr(record, "transient", False))


def main(arguments: list[str] | None = None) -> int:
    """Run one worker; return the exit status."""
    parser = argparse.ArgumentParser(description="Train as one worker of a cluster.")
    parser.add_argument("file", help="arguments of run_fn, in JSON")
    parser.add_argument(
        "--records", action="store_true", help="print what is logged as JSON, a line a record"
    )
    options = parser.parse_args(arguments)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Lines() if options.records else logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        fn_args = read_arguments(options.file)
        train_and_export(fn_args, choose(resolve(fn_args.custom_config).strategy))
    except InvalidData as error:
        text = str(error)
        print(record_line(text, refused=True) if options.records else f"Error: {text}", flush=True)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
