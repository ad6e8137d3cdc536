"""Exit statuses, and what to tell a user about an exception."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator

DONE = 0
FAILED = 1
REFUSED = 2
NOT_BLESSED = 3
INTERRUPTED = 130

# Beam carries an exception out of a worker as text, with the step's name behind it.
_WRAPPED = re.compile(r"InvalidData: (?P<message>.*?)(?: \[while running|\n|$)", re.DOTALL)


class ServiceError(Exception):
    """A service did not do what was asked of it. The message names it, and what to do."""


def explain(
    error: BaseException, say: Callable[[str], None], log_file: str | None, debug: bool
) -> int:
    """Tell the user in a sentence or two; return the exit status.

    Args:
      error: what ended the command.
      say: shows a text.
      log_file: where the details are, None if nowhere.
      debug: whether to show the traceback too.
    """
    if isinstance(error, KeyboardInterrupt):
        say("Interrupted. Run the same command again to go on from the last finished step.")
        return INTERRUPTED
    if debug:
        say("".join(traceback.format_exception(error)))
    refused = refusal(error)
    if refused:
        say(f"Error: {refused}")
        return REFUSED
    if isinstance(error, ServiceError):
        say(f"Error: {error}")
        return FAILED
    if type(error).__name__ == "FutureTimeoutError":
        say(
            "Error: Nothing answers at Beam's job endpoint. Start the job server, or correct "
            "--job_endpoint in --beam-args."
        )
        return FAILED
    where = f" The log has the details: {log_file}" if log_file else ""
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    say(f"Error: {first_line} ({type(error).__name__}).{where}")
    return FAILED


def refusal(error: BaseException) -> str | None:
    """Return the message if the cause is something that the user can put right."""
    from data.invalid import InvalidData
    from pipeline.config.config import ConfigError
    from pipeline.local.output_folder import OutputInUse

    for cause in _causes(error):
        if isinstance(cause, (InvalidData, ConfigError, OutputInUse)):
            # Beam may raise the very class with its own notes behind the message.
            return re.sub(r" \[while running.*", "", str(cause), flags=re.DOTALL)
    for cause in _causes(error):
        if found := _WRAPPED.search(str(cause)):
            return found["message"]
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
