"""Exclusive use of an output folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator

from pipeline.config.config import ConfigError

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class OutputInUseError(ConfigError):
    """Another process is running the pipeline into the same output folder."""


@contextlib.contextmanager
def lock_output(output: str) -> Iterator[None]:
    """Lock an output folder for this process. Creates the folder if needed.

    The operating system holds the lock and releases it when the process ends, even if it is killed.
    The file `.lock` names the process that holds it, or held it last.

    Raises:
      OutputInUseError: another process holds the lock.
      ConfigError: the file system has no locks.
    """
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, ".lock"), "a+b", buffering=0) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().decode(errors="replace").strip() or "unknown"
            raise OutputInUseError(
                f"Another run is writing to {output}: {holder}. "
                "Wait for it, or give --output another folder."
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise ConfigError(
                f"The file system of {output} cannot lock files, so two runs could overwrite each "
                "other's results. Give --output a folder on a local disk."
            ) from error
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        try:
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {socket.gethostname()}, since {since}\n".encode())
        except OSError as error:
            error.filename = lock.name  # Python names no file when it writes.
            raise
        yield
