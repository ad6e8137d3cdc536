"""Exclusive use of an output folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from pipeline.config.config import ConfigError


class OutputInUseError(ConfigError):
    """Another process is running the pipeline into the same output folder."""


@contextlib.contextmanager
def lock_output(output: str) -> Iterator[None]:
    """Lock an output folder for this process. Creates the folder if needed.

    The operating system holds the lock and releases it when the process ends, even if it is killed.

    Raises:
      OutputInUseError: another process holds the lock.
    """
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, ".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputInUseError(
                f"Another run is writing to {output}. Wait for it, or give --output another folder."
            ) from None
        yield
