"""The user's terminal, separate from library output."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TimeRemainingColumn,
)
from rich.spinner import Spinner

from pipeline.terminal.json_log import JsonConsole

# Width of tables where the output is not a terminal and so has no width.
_FILE_WIDTH = 200


class UpdateSpinner(Protocol):
    """Changes what is next to a spinner and below it."""

    def __call__(self, text: str, below: RenderableType | None = None) -> None:
        """Show a text next to the spinner and, if there is one, a renderable below it."""


def make_console(file: IO[str] | None = None, *, as_json: bool = False) -> Console:
    """Return a console that writes plain, unwrapped text if the file is not a terminal.

    Args:
      file: where it writes; standard output by default.
      as_json: whether to write lines of JSON, also to a terminal.
    """
    options: dict[str, Any] = {"highlight": False, "soft_wrap": True, "emoji": False}
    if as_json:
        return JsonConsole(file=file, force_terminal=False, width=_FILE_WIDTH, **options)
    return Console(file=file, **options)


def print_table(table: RenderableType) -> None:
    """Print a table to standard output."""
    console = make_console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(table)


@contextlib.contextmanager
def show_spinner(console: Console, text: str) -> Iterator[UpdateSpinner]:
    """Show a spinner on a terminal; yield the function that changes it.

    This is not Rich's own `status` because that replaces `sys.stdout` and `sys.stderr`, and so
    brings the library output that `redirect_output` sends to the log back to the terminal.
    """
    spinner = Spinner("dots", text)
    with Live(
        spinner,
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        refresh_per_second=8,
    ) as live:

        def show(text: str, below: RenderableType | None = None) -> None:
            spinner.update(text=text)
            live.update(spinner if below is None else Group(spinner, below), refresh=True)

        yield show


@contextlib.contextmanager
def show_progress_bar(
    console: Console, activity: str, total: int | None = None, *, in_bytes: bool = False
) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar on a terminal; yield the function that moves it to (done, total).

    Args:
      console: the user's console.
      activity: one word for what is going on.
      total: number of items, if known in advance; None also for the function, if never known.
      in_bytes: whether the items are bytes, which are shown as kB, MB or GB.
    """
    count = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (activity, BarColumn(), count, TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def redirect_output(log_file: str, *, as_json: bool = False) -> Iterator[Console]:
    """Send this process's standard output and error to a file; yield the user's console.

    TensorFlow, Beam and gRPC write from C++ and from worker processes and bypass `sys.stdout`, so
    this function redirects the file descriptors themselves.

    Args:
      log_file: the file.
      as_json: whether the console writes lines of JSON.
    """
    os.makedirs(os.path.dirname(log_file), exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    originals = os.dup(1), os.dup(2)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    terminal = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding or "utf-8")
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        yield make_console(terminal, as_json=as_json)
    finally:
        # Where the disk of the log or of the terminal's own file is full, the text is lost, but the
        # streams must come back: the error message goes there.
        for stream in (terminal, sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os.dup2(originals[0], 1)
        os.dup2(originals[1], 2)
        with contextlib.suppress(OSError):
            terminal.close()
        for descriptor in (*originals, log):
            os.close(descriptor)


@contextlib.contextmanager
def discard_library_output() -> Iterator[Console]:
    """Discard this process's standard output and error; yield the user's console."""
    with tempfile.TemporaryDirectory() as folder, redirect_output(f"{folder}/log") as console:
        yield console
