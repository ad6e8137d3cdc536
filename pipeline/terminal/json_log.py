"""Logs as lines of JSON, for programs that collect logs.

Each line is an object with `time` (ISO 8601, UTC), `level`, `run_id`, `step` and `message`.
Messages of libraries have `logger`, and the line that ends a step has `seconds` and `cached`.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

from rich.console import Console

from pipeline.terminal.run_state import RUN


def format_json_line(message: str, level: str = "INFO", **fields: Any) -> str:
    """Return one line of JSON."""
    now = dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds")
    entry = {"time": now, "level": level, "run_id": RUN.run_id, "step": RUN.step}
    return json.dumps({**entry, "message": message.strip(), **fields})


class JsonFormatter(logging.Formatter):
    """Formats the log records of libraries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line of JSON, with its traceback in `message`."""
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        return format_json_line(message, record.levelname, logger=record.name)


class JsonConsole(Console):
    """A console that prints each text as a line of JSON."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print a text, or a table as text."""
        with self.capture() as text:
            super().print(*objects, **options)
        if message := text.get().strip():
            self.write(message, "ERROR" if message.startswith("Error:") else "INFO")

    def write(self, message: str, level: str = "INFO", **fields: Any) -> None:
        """Print a line with a level and more fields."""
        self.file.write(f"{format_json_line(message, level, **fields)}\n")
        self.file.flush()
