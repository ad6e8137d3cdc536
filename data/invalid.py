"""The error of input that cannot be used, and how its messages show foreign text."""

from __future__ import annotations

import re

# Control characters, also those that turn the direction of text; line separators; and what Python
# makes of the bytes of a file name that are not UTF-8.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


class InvalidData(ValueError):  # noqa: N818 - the data are at fault, not the program
    """Input files are missing, malformed or contradict the configuration.

    The message is one or two plain sentences: the file, the row and column (1-based, as an
    editor counts lines), what was found, what was expected, and the remedy. Whatever it quotes, it
    holds no control characters but newlines.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__("\n".join(map(escape, message.split("\n"))))


def escape(text: str) -> str:
    r"""Return a text from a file or a file name for a message, with control characters as \x1b."""
    return _UNPRINTABLE.sub(_escape_character, text)


def _escape_character(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name
        return f"\\x{code - 0xDC00:02x}"
    return match[0].encode("unicode_escape").decode()
