"""Starts Flink or Spark as the tests do, and keeps it until it is interrupted."""

import argparse
import contextlib
import signal
import tempfile
from pathlib import Path

from tests.engines.flink import flink
from tests.engines.spark import spark


def main() -> None:
    """Start the engine and print how to run there."""
    parser = argparse.ArgumentParser("make engine", description=__doc__)
    parser.add_argument("engine", choices=("flink", "spark"))
    start = {"flink": flink, "spark": spark}[parser.parse_args().engine]
    # Either signal ends the engine in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory() as folder,
        start(Path(folder)) as cluster,
    ):
        print(f'radio-signals run --data dir --beam-args "{cluster.beam_args}"', flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
