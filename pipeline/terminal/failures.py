"""Exit statuses, and the messages that explain an exception to a user."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Iterator

from data.invalid import InvalidData
from pipeline.terminal.interruption import EXIT_STATUS, describe_interruption

DONE = 0
FAILED = 1
REFUSED = 2
NOT_BLESSED = 3
INTERRUPTED = EXIT_STATUS

# Beam passes on a worker's exception as text and appends the name of the step.
_BEAM_NOTE = r" \[while running"
_REMOTE_REFUSAL = re.compile(rf"InvalidData: (?P<message>.*?)(?:{_BEAM_NOTE}|\n|$)", re.DOTALL)


# What the operating system, TensorFlow and SQLite say, and what we say.
_FILE_PROBLEMS = {
    "No space left on device|Disk quota exceeded|disk is full": (
        "no space is left on the disk. Free space, then run the same command again: it continues "
        "after the last finished step. `radio-signals prune` removes old runs."
    ),
    "Read-only file system|readonly database": (
        "the file system is read-only. Give another folder, or make this one writable."
    ),
    "Permission denied": (
        "this user may not read or write it. Change the rights, or give another folder."
    ),
}


class ServiceError(Exception):
    """A service did not do what it was asked to do. The message names service and remedy."""


def explain(
    error: BaseException, say: Callable[[str], None], log_file: str | None, debug: bool
) -> int:
    """Explain an exception in a sentence or two; return the exit status.

    Args:
      error: the exception that ended the command.
      say: shows a text to the user.
      log_file: the file that has the details, or None.
      debug: whether to show the traceback as well.
    """
    if isinstance(error, KeyboardInterrupt):
        say(describe_interruption())
        return INTERRUPTED
    if debug:
        say("".join(traceback.format_exception(error)))
    if refusal := find_refusal(error):
        say(f"Error: {refusal}")
        return REFUSED
    say(f"Error: {_describe(error, log_file)}")
    return FAILED


def _describe(error: BaseException, log_file: str | None) -> str:
    if isinstance(error, ServiceError):
        return str(error)
    # By its name, because importing gRPC for this comparison would delay every message.
    if type(error).__name__ == "FutureTimeoutError":
        return (
            "Nothing answers at Beam's job endpoint. Start the job server, or correct "
            "--job_endpoint in --beam-args."
        )
    if text := _describe_file_error(error):
        return text
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    details = f" The log has the details: {log_file}" if log_file else ""
    return f"{first_line} ({type(error).__name__}).{details}"


def _describe_file_error(error: BaseException) -> str:
    """Return what to do about a disk or a right, if that caused an exception; else nothing."""
    for cause in _list_causes(error):
        for text, message in _FILE_PROBLEMS.items():
            if re.search(text, str(cause)):
                path = getattr(cause, "filename", None)
                return (
                    f"{os.path.abspath(path)}: {message}"
                    if path
                    else message[0].upper() + message[1:]
                )
    return ""


def find_refusal(error: BaseException) -> str | None:
    """Return the message of wrong data or configuration, if that caused an exception."""
    # Imported here because it loads Pydantic and NumPy, which `--help` does not need.
    from pipeline.config.config import ConfigError

    for cause in _list_causes(error):
        if isinstance(cause, (InvalidData, ConfigError)):
            return re.sub(f"{_BEAM_NOTE}.*", "", str(cause), flags=re.DOTALL)
    for cause in _list_causes(error):
        if match := _REMOTE_REFUSAL.search(str(cause)):
            return match["message"]
    return None


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
