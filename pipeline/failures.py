"""Exit statuses, and what to tell a user about an exception."""

from __future__ import annotations

import re
from collections.abc import Iterator

DONE = 0
FAILED = 1
REFUSED = 2
NOT_BLESSED = 3
INTERRUPTED = 130

# Beam carries an exception out of a worker as text, with the step's name behind it.
_WRAPPED = re.compile(r"InvalidData: (?P<message>.*?)(?: \[while running|\n|$)", re.DOTALL)


def refusal(error: BaseException) -> str | None:
    """Return the message if the cause is input or configuration that cannot be used."""
    from data.invalid import InvalidData
    from pipeline.config import ConfigError

    for cause in _causes(error):
        if isinstance(cause, (InvalidData, ConfigError)):
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
