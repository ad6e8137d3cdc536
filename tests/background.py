"""Servers of tests, as processes of their own that end with the test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc


@contextlib.contextmanager
def background(command: Sequence[str], log: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """Run a command meanwhile; end it, with all that it started, on leaving.

    Args:
      command: the program and its arguments.
      log: where its output goes.
      **environment: further environment variables.
    """
    with open(log, "wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            # A process group of its own: what it starts ends with it.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen) -> None:
    # What a process that was killed has started lives on in its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=15)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def python_module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this Python."""
    return [sys.executable, "-m", name, *arguments]


def path_with_this_python() -> str:
    """Return a PATH for Beam's worker pool, which starts the first "python" on it."""
    return os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))


def wait_for_grpc(address: str, logs: Sequence[Path], seconds: float = 120) -> None:
    """Wait until a server answers.

    Args:
      address: its host:port.
      logs: what to show if it does not.
      seconds: time for it to start. On a busy machine, Beam takes a while.

    Raises:
      TimeoutError: it does not answer.
    """
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=seconds)
        except grpc.FutureTimeoutError:
            raise TimeoutError(f"{address} does not answer.\n{read_ends(logs)}") from None


def read_ends(logs: Sequence[Path]) -> str:
    """Return the ends of log files, for messages about failures."""
    return "\n".join(f"--- {log}\n{log.read_text(errors='replace')[-4000:]}" for log in logs)
