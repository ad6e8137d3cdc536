"""`python -m trainer.worker FILE`: train as one worker of the cluster in `TF_CONFIG`.

FILE holds the arguments of `run_fn` in JSON, see
`trainer.distributed.worker_process.write_arguments`. Every worker gets the same arguments and must
reach the same folders or buckets.

Exit status: 0 if training is complete and the chief has exported the model, 2 if the input is
invalid, 1 for anything else, such as the end of another worker.
"""

from __future__ import annotations

import argparse
import logging
import sys

from data.invalid import InvalidData
from data.storage.tfx_plugin import register_object_stores
from trainer.distributed.strategy import choose_devices
from trainer.distributed.worker_process import REFUSED, format_record, read_arguments
from trainer.settings import resolve
from trainer.training import train_and_export
from trainer.watching.epoch_log import logger


class _RecordFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return format_record(record.getMessage(), getattr(record, "transient", False))


def main(arguments: list[str] | None = None) -> int:
    """Run one worker and return the exit status."""
    parser = argparse.ArgumentParser(description="Train as one worker of a cluster.")
    parser.add_argument("file", help="arguments of run_fn, in JSON")
    parser.add_argument(
        "--records", action="store_true", help="print log records as JSON, one per line"
    )
    options = parser.parse_args(arguments)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        _RecordFormatter() if options.records else logging.Formatter("%(message)s")
    )
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    register_object_stores()
    try:
        fn_args = read_arguments(options.file)
        train_and_export(fn_args, choose_devices(resolve(fn_args.custom_config).strategy))
    except InvalidData as error:
        text = str(error)
        line = format_record(text, refused=True) if options.records else f"Error: {text}"
        print(line, flush=True)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
