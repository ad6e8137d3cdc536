"""Reads text files in byte ranges that are independent of each other.

A line belongs to the range in which it starts. So a reader of bytes [start, end) skips the rest of
a line that began earlier and reads its own last line to the end. The number of lines that start in
a range is the number of newlines in the same range moved back by one byte.

A line that is longer than a row can be is cut, so that a file without line ends does not fill the
memory. What parses the lines refuses it by its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import IO

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.input_files import InputFiles, is_compressed, measure_file, open_input

# Lines are yielded in blocks of about this size.
BLOCK_BYTES = 1 << 20

# What one worker reads at a time. Its grey levels, a ninth of that, are held in memory.
RANGE_BYTES = 32 << 20

TO_THE_END = -1
"""End of the range of a compressed file, whose size is not known."""

_TAIL_BYTES = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_first_lines(
    path: str, count: int, files: InputFiles, longest: int
) -> tuple[list[bytes], int, int]:
    """Return the first lines, without line ends, and the bytes where the first two start.

    Fewer lines are returned if the file has fewer. The first line starts after a byte-order mark,
    which spreadsheets put before UTF-8 text.

    Args:
      path: the file.
      count: number of lines.
      files: where files come from.
      longest: bytes of the longest line. A longer one may be cut, but not to so few.

    Raises:
      InvalidData: the file is missing, empty, or in another encoding.
    """
    with open_input(path, files) as stream:
        read = [_read_line(stream, longest) for _ in range(count)]
    lines = [line for line, _ in read if line]
    if not b"".join(lines).strip():
        raise InvalidData(f"{path} is empty.")
    first = lines[0]
    if first[:2] == b"\x1f\x8b":
        raise InvalidData(
            f"{path} is compressed with gzip, and its name does not say so. "
            "Rename it to end in .gz."
        )
    encoding = _OTHER_ENCODINGS.get(first[:2])
    if encoding or b"\0" in first:
        raise InvalidData(
            f"{path} is not plain text: it {f'is {encoding}' if encoding else 'holds zero bytes'}. "
            "Save it as UTF-8 or ASCII."
        )
    start = len(_BYTE_ORDER_MARK) if first.startswith(_BYTE_ORDER_MARK) else 0
    lines[0] = first[start:]
    return [line.rstrip(b"\r\n") for line in lines], start, read[0][1]


def _read_line(stream: IO[bytes], longest: int) -> tuple[bytes, int]:
    """Return the next line and its length; of a longer line the beginning and three dots."""
    line = piece = stream.readline(longest + 1)
    length = len(line)
    while piece and not piece.endswith(b"\n"):
        piece = stream.readline(BLOCK_BYTES)
        length += len(piece)
    # With the dots, what is left of a line that begins with blanks is no blank line.
    return (line if length == len(line) else line + b"..."), length


def divide(path: str, start: int, files: InputFiles) -> list[tuple[int, int]]:
    """Divide a file into ranges, from a byte on. A compressed file is one range."""
    if is_compressed(path):
        return [(start, TO_THE_END)]
    end = _find_end(path, start, files)
    count = max(1, -(-(end - start) // RANGE_BYTES))
    cuts = [start + (end - start) * number // count for number in range(count + 1)]
    return list(pairwise(cuts))


def count_lines(
    path: str, start: int, end: int, files: InputFiles, first: bool, longest: int, most: int
) -> int:
    """Return the number of lines that start in a range, or a number above `most`.

    Args:
      path: the file.
      start: first byte of the range.
      end: the byte after its last one, or `TO_THE_END`.
      files: where files come from.
      first: whether the data, and so a line, start at the range's first byte.
      longest: bytes of the longest line. A longer one may be cut, but not to so few.
      most: counting ends after so many lines. A few megabytes may unpack to billions.

    Raises:
      InvalidData: the file cannot be read.
    """
    if end == TO_THE_END:
        lines = 0
        for block in _read_blocks_to_the_end(path, start, files, longest):
            lines += len(_find_line_ends(block))
            if lines > most:
                break
        return lines
    lines = 1 if first and end > start else 0
    with open_input(path, files) as stream:
        position = start if first else start - 1
        stream.seek(position)
        while position < end - 1:
            chunk = stream.read(min(BLOCK_BYTES, end - 1 - position))
            if not chunk:
                break
            lines += len(_find_line_ends(chunk))
            position += len(chunk)
    return lines


def read_blocks(
    path: str, start: int, end: int, files: InputFiles, first: bool, longest: int
) -> Iterator[bytes]:
    """Yield the lines that start in a range, in blocks of whole lines.

    Every line ends with a newline alone, even in a file from Windows. The arguments are those of
    `count_lines`.

    Raises:
      InvalidData: the file cannot be read.
    """
    if end == TO_THE_END:
        yield from _read_blocks_to_the_end(path, start, files, longest)
        return
    with open_input(path, files) as stream:
        position = start
        if not first:
            stream.seek(start - 1)
            # Skip the rest of the previous line, or only its newline.
            position += _read_line(stream, longest=0)[1] - 1
        else:
            stream.seek(start)
        size = BLOCK_BYTES
        while position < end:
            block = stream.read(min(size, end - position))
            if not block:
                break
            position += len(block)
            block, length = _complete(block, stream, longest)
            position += length
            # If all lines are as long as this block's first, the next block ends with a whole line.
            # It is then not copied to complete it.
            size = BLOCK_BYTES - BLOCK_BYTES % (block.find(b"\n") + 1) or BLOCK_BYTES
            yield _convert_line_ends(block)


def _complete(block: bytes, stream: IO[bytes], longest: int) -> tuple[bytes, int]:
    """Return a block with the rest of its last line, which may be cut, and the rest's length."""
    if block.endswith(b"\n"):
        return block, 0
    rest, length = _read_line(stream, longest)
    block += rest
    return block if block.endswith(b"\n") else block + b"\n", length


def split_block(block: bytes, most_lines: int) -> Iterator[bytes]:
    """Yield the lines of a block in blocks of at most so many lines."""
    end = 0
    for _ in range(most_lines):
        end = block.find(b"\n", end) + 1
        if end in (0, len(block)):
            yield block
            return
    ends = _find_line_ends(block)
    cuts = [0, *ends[most_lines - 1 : -1 : most_lines].tolist(), len(block)]
    for start, end in pairwise(cuts):
        yield block[start:end]


def _find_line_ends(text: bytes) -> NDArray[np.int64]:
    """Return the bytes after the newlines. To count them with `bytes.count` takes longer."""
    return np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1


def _convert_line_ends(lines: bytes) -> bytes:
    """Replace the line ends of Windows by newlines."""
    return lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines


def ends_within_line(path: str, files: InputFiles) -> bool:
    """Return whether the last byte is not a newline, so that the file may have been cut off."""
    size = 0 if is_compressed(path) else measure_file(path, files)
    if not size:
        return False
    with open_input(path, files) as stream:
        stream.seek(size - 1)
        return stream.read(1) != b"\n"


def _find_end(path: str, start: int, files: InputFiles) -> int:
    """Return the byte after the last line that is not blank."""
    size = measure_file(path, files)
    tail_start = max(start, size - _TAIL_BYTES)
    with open_input(path, files) as stream:
        stream.seek(tail_start)
        tail = stream.read()
    text = len(tail.rstrip())
    return tail_start + text + (tail.find(b"\n", text) - text + 1 if b"\n" in tail[text:] else 0)


def _read_blocks_to_the_end(
    path: str, start: int, files: InputFiles, longest: int
) -> Iterator[bytes]:
    """Yield the lines of a file read as a stream, without blank lines at its end."""
    blank = b""
    with open_input(path, files) as stream:
        for position in range(0, start, BLOCK_BYTES):
            stream.read(min(BLOCK_BYTES, start - position))
        while block := stream.read(BLOCK_BYTES):
            block = blank + _complete(block, stream, longest)[0]
            # Blank lines after the last line with text are no rows if the file ends with them.
            text = len(block.rstrip())
            cut = block.find(b"\n", text) + 1 if text else 0
            if len(block) - cut > _TAIL_BYTES:
                cut = len(block)
            blank = block[cut:]
            if cut:
                yield _convert_line_ends(block[:cut])
