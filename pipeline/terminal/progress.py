"""Shows which step runs, how long it took, and what training reports."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from pipeline.terminal.console import busy
from pipeline.terminal.training_bar import TrainingBar

if TYPE_CHECKING:
    from trainer.watching.epoch_log import TrainingProgress

_RUNNING = "Component %s is running."
_FINISHED = "Component %s is finished."
_CACHED = "A cached execution %d is used."


class Progress(logging.Handler):
    """Follows a run by its log records: those of TFX's runner and those of `radio_signals`.

    Attributes:
      seconds: wall-clock seconds by node id, of the nodes finished so far.
      cached: node ids answered from the cache.
    """

    def __init__(self, console: Console, steps: int):
        """Constructs the handler.

        Args:
          console: where to show progress.
          steps: number of nodes of the pipeline.
        """
        super().__init__()
        self.seconds: dict[str, float] = {}
        self.cached: set[str] = set()
        self._console = console
        self._steps = steps
        self._node = ""
        self._started = 0.0
        self._busy = contextlib.ExitStack()
        self._show = lambda text, below=None: None
        self._training_bar: TrainingBar | None = None

    def __enter__(self) -> Progress:
        # absl's messages are TFX's; at its default level its progress would be dropped.
        from absl import logging as absl_logging

        absl_logging.set_verbosity(absl_logging.INFO)
        for name in ("absl", "radio_signals"):
            logging.getLogger(name).addHandler(self)
        # Below INFO are signs of life, which only a terminal can overwrite.
        level = logging.DEBUG if self._console.is_terminal else logging.INFO
        logging.getLogger("radio_signals").setLevel(level)
        self._show = self._busy.enter_context(busy(self._console, ""))
        return self

    def __exit__(self, *exception) -> None:
        self._busy.close()
        for name in ("absl", "radio_signals"):
            logging.getLogger(name).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        if record.name.startswith("radio_signals"):
            self._tell(record)
        elif record.msg == _RUNNING:
            self._start(record.args[0])
        elif record.msg == _CACHED:
            self.cached.add(self._node)
        elif record.msg == _FINISHED:
            self._finish(record.args[0])

    def _start(self, node: str) -> None:
        self._node = node
        self._started = time.perf_counter()
        self._show(f"{self._number()} {escape(node)}")

    def _finish(self, node: str) -> None:
        self.seconds[node] = time.perf_counter() - self._started
        how = "from the cache" if node in self.cached else f"{self.seconds[node]:6.1f} s"
        # The number of this step was that of the steps finished before it, plus one.
        self._console.print(f"{self._number(0)} {escape(node):<22} {how:>14}")

    def _tell(self, record: logging.LogRecord) -> None:
        text = escape(record.getMessage())
        if hasattr(record, "progress"):
            self._move_bar(record.progress)
        elif getattr(record, "transient", False):
            self._show(f"{self._number()} {escape(self._node)}: {text}")
        else:
            indented = text.replace("\n", "\n        ")
            self._console.print(f"        {indented}")

    def _move_bar(self, progress: TrainingProgress | None) -> None:
        if progress is None:
            self._training_bar = None
        else:
            self._training_bar = self._training_bar or TrainingBar()
            self._training_bar.update(progress)
        self._show(f"{self._number()} {escape(self._node)}", self._training_bar)

    def _number(self, running: int = 1) -> str:
        return escape(f"[{len(self.seconds) + running:>2}/{self._steps}]")
