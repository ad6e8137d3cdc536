"""One run at a time in one output folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator


class OutputInUse(RuntimeError):
    """Another process is running the pipeline into the same output folder."""


@contextlib.contextmanager
def sole_user_of(output: str) -> Iterator[None]:
    """Hold an output folder, which is made if need be, for this process.

    The lock is the operating system's and goes with the process, however that ends.

    Raises:
      OutputInUse: somebody else holds it.
    """
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, ".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputInUse(
                f"Another run is writing to {output}. Wait for it, or give --output another folder."
            ) from None
        yield
