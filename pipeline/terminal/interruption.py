"""Ends a command within seconds of Ctrl-C, SIGTERM or SIGHUP, and leaves nothing behind.

The signals raise KeyboardInterrupt, so that the command ends in order. But code in C++ delays the
exception, and some libraries swallow it. A thread therefore ends the process if the exception has
not done so after a few seconds, or if a second signal arrives.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator

import psutil

from pipeline.terminal.run_state import RUN

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_STATUS = 130

_SECONDS_TO_END = 3.5

_described = threading.Event()
_temporary_folders: set[str] = set()


def add_temporary_folder(folder: str) -> None:
    """Note a folder that must not outlive the process."""
    _temporary_folders.add(folder)


def describe_interruption() -> str:
    """Return the message for the user: where the command stopped and how to go on."""
    _described.set()
    place = f" in {RUN.step}" if RUN.step else ""
    return (
        f"Interrupted{place}. To continue after the last finished step, run the same command again."
    )


@contextlib.contextmanager
def ending_on_signals() -> Iterator[None]:
    """Make the signals end this process. Use it once, in the main thread, around everything."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    # Python writes the number of each signal to it at once, whatever the main thread does.
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, _raise_once)
    # Runs redirect the standard streams to the log.
    terminal = os.dup(2)
    threading.Thread(target=_watch, args=(reader, terminal), daemon=True).start()
    try:
        yield
    finally:
        # The exit status is decided. While Python shuts down, a signal would kill the process.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _raise_once(*_: object) -> None:
    # Nothing must interrupt the end. The thread sees a second signal.
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


def _watch(reader: socket.socket, terminal: int) -> None:
    _wait_for_signal(reader, seconds=None)
    _wait_for_signal(reader, _SECONDS_TO_END)
    children = psutil.Process().children(recursive=True)
    for child in children:
        child.kill()
    psutil.wait_procs(children, timeout=0.5)
    for folder in _temporary_folders:
        shutil.rmtree(folder, ignore_errors=True)
    if not _described.is_set():
        os.write(terminal, f"{describe_interruption()}\n".encode())
    os._exit(EXIT_STATUS)


def _wait_for_signal(reader: socket.socket, seconds: float | None) -> None:
    """Return when one of the signals arrives, or after a time."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is None or time.monotonic() < deadline:
        reader.settimeout(deadline and max(0.01, deadline - time.monotonic()))
        with contextlib.suppress(TimeoutError):
            # Other signals are noted too, for example that a child process has ended.
            if reader.recv(1)[0] in SIGNALS:
                return
