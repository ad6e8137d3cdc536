"""The user's terminal, kept apart from what libraries print."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.spinner import Spinner


def plain_console(file=None) -> Console:
    """Return a console that neither wraps nor colours what is not a terminal."""
    return Console(file=file, highlight=False, soft_wrap=True, emoji=False)


@contextlib.contextmanager
def busy(console: Console, text: str) -> Iterator[Callable[..., None]]:
    """Show a spinner on a terminal; yield what changes it.

    What is yielded is called with a text for the spinner and, where there is more to show, with
    a renderable of rich, which goes below it.

    rich's own status would also put itself in place of `sys.stdout` and `sys.stderr`, and so
    bring to the terminal what `libraries_to` has sent to the log.
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
def progress_bar(
    console: Console, doing: str, total: int | None = None
) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; yield what moves it, called with (done, total).

    Args:
      console: the user's.
      doing: what takes long, in a word.
      total: of what is counted, where it is known beforehand.
    """
    columns = (doing, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def libraries_to(log_file: str) -> Iterator[Console]:
    """Send standard output and error of the process to a file; yield the user's console.

    TensorFlow, Beam and gRPC write from C++ and from worker processes, past Python's `sys`, so
    the file descriptors themselves are turned. Everything they say stays readable in the file.
    """
    os.makedirs(os.path.dirname(log_file), exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    terminal = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding or "utf-8")
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        yield plain_console(terminal)
    finally:
        terminal.close()
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in (*kept, log):
            os.close(descriptor)


@contextlib.contextmanager
def quiet_libraries() -> Iterator[Console]:
    """Drop what libraries print; yield the user's console. Exceptions say what went wrong."""
    with tempfile.TemporaryDirectory() as log, libraries_to(os.path.join(log, "log")) as console:
        yield console
