"""Rows of CSV from standard input, which can be read only once and may never end."""

from __future__ import annotations

import io
import select
from contextlib import nullcontext
from typing import IO, cast

from data.invalid import InvalidData
from data.reading.content import FileInMemory

NAME = "standard input"

_DESCRIPTOR = 0
_FIRST_LINES = 2
_GZIP = b"\x1f\x8b"

# Rows that follow each other faster than this are read together.
_PAUSE_SECONDS = 0.02


class StandardInput(FileInMemory):
    """Standard input as `data.reading.input_files.InputFiles`, to be opened once.

    Attributes:
      first_lines: its beginning, which shows how it is written.
    """

    def __init__(self, longest_line: int) -> None:
        """Read the first lines.

        Args:
          longest_line: bytes of the longest line.

        Raises:
          InvalidData: it is compressed.
        """
        stream = io.BufferedReader(io.FileIO(_DESCRIPTOR, closefd=False))
        first = b"".join(stream.readline(longest_line + 1) for _ in range(_FIRST_LINES))
        if first.startswith(_GZIP):
            raise InvalidData(f"{NAME} is compressed with gzip. Unpack it: zcat FILE | ...")
        super().__init__(first)
        self.first_lines = FileInMemory(first)
        self._stream = _Stream(io.BytesIO(first), stream)

    def open(self, path: str) -> IO[bytes]:  # noqa: ARG002 - there is only one
        """See `InputFiles`."""
        return cast("IO[bytes]", nullcontext(self._stream))


class _Stream:
    """A stream that gives what there is, so that a row is classified when it has arrived."""

    def __init__(self, beginning: IO[bytes], rest: io.BufferedReader[io.FileIO]) -> None:
        self._beginning, self._rest = beginning, rest

    def read(self, size: int) -> bytes:
        """Read up to so many bytes, and wait only for the first of them."""
        if beginning := self._beginning.read(size):
            return beginning
        content, piece = bytearray(), self._rest.read1(size)
        while piece:
            content += piece
            if len(content) == size or not select.select([self._rest], [], [], _PAUSE_SECONDS)[0]:
                break
            piece = self._rest.read1(size - len(content))
        return bytes(content)

    def readline(self, size: int) -> bytes:
        """Read up to the end of a line, or so many bytes."""
        return self._beginning.readline(size) or self._rest.readline(size)
