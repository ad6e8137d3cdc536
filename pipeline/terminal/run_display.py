"""The progress of a run in the terminal."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.markup import escape

from pipeline.history.records import StepRecord
from pipeline.terminal.console import UpdateSpinner, show_spinner
from pipeline.terminal.json_log import JsonConsole
from pipeline.terminal.run_state import RUN
from pipeline.terminal.training_bar import TrainingBar

if TYPE_CHECKING:
    from trainer.watching.epoch_log import TrainingProgress

# Every message of our own code that is meant for the user goes to a logger below this one.
_LOGGER = logging.getLogger("radio_signals")


class RunDisplay(logging.Handler):
    """Shows the steps of a run and the messages that our own code logs meanwhile.

    Use it as a context manager. Call `start` and `finish` before and after each step.
    """

    def __init__(self, console: Console, steps: int) -> None:
        """Initialises the display.

        Args:
          console: the user's console.
          steps: number of nodes of the pipeline.
        """
        super().__init__()
        self._console = console
        self._steps = steps
        self._finished = 0
        self._spinner = contextlib.ExitStack()
        self._show: UpdateSpinner = _show_nothing
        self._training_bar: TrainingBar | None = None

    def __enter__(self) -> RunDisplay:
        _LOGGER.addHandler(self)
        # The trainer logs its progress within an epoch at DEBUG. Only a terminal can overwrite it.
        _LOGGER.setLevel(logging.DEBUG if self._console.is_terminal else logging.INFO)
        self._show = self._spinner.enter_context(show_spinner(self._console, ""))
        return self

    def __exit__(self, *exception: object) -> None:
        self._spinner.close()
        _LOGGER.removeHandler(self)

    def start(self, step: str) -> None:
        """Show that a step runs."""
        RUN.step = step
        self._show(self._describe_running())

    def finish(self, record: StepRecord) -> None:
        """Show that a step has finished."""
        self._finished += 1
        duration = "from the cache" if record.cached else f"{record.seconds:6.1f} s"
        line = f"[{self._finished:>2}/{self._steps}] {record.step:<22} {duration:>14}"
        if isinstance(self._console, JsonConsole):
            self._console.write(line, seconds=round(record.seconds, 3), cached=record.cached)
        else:
            self._console.print(escape(line))

    def emit(self, record: logging.LogRecord) -> None:
        """Show one log record of our own code.

        A record with the attribute `progress` moves the training bar, or removes it if the
        attribute is None. A record whose attribute `transient` is true replaces the one before.
        """
        if hasattr(record, "progress"):
            self._move_training_bar(record.progress)
        elif getattr(record, "transient", False):
            self._show(f"{self._describe_running()}: {escape(record.getMessage())}")
        elif isinstance(self._console, JsonConsole):
            self._console.write(record.getMessage(), record.levelname)
        else:
            indented = record.getMessage().replace("\n", "\n        ")
            self._console.print(f"        {escape(indented)}")

    def _move_training_bar(self, progress: TrainingProgress | None) -> None:
        if progress is None:
            self._training_bar = None
        else:
            self._training_bar = self._training_bar or TrainingBar()
            self._training_bar.update(progress)
        self._show(self._describe_running(), self._training_bar)

    def _describe_running(self) -> str:
        return escape(f"[{self._finished + 1:>2}/{self._steps}] {RUN.step}")


def _show_nothing(text: str, below: RenderableType | None = None) -> None:
    """Stands in for the spinner while there is none."""
