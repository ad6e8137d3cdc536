"""Reads text files in byte ranges that are independent of each other.

A line belongs to the range in which it starts. So a reader of bytes [start, end) skips the rest of
a line that began earlier and reads its own last line to the end. The number of lines that start in
a range is the number of newlines in the same range moved back by one byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from data.invalid import InvalidData
from data.reading.input_files import InputFiles, is_compressed, open_input

# Lines are yielded in blocks of about this size.
BLOCK_BYTES = 8 << 20

# What one worker reads at a time. Its grey levels, a ninth of that, are held in memory.
RANGE_BYTES = 32 << 20

TO_THE_END = -1
"""End of the range of a compressed file, whose size is not known."""

_TAIL_BYTES = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_first_lines(path: str, count: int, files: InputFiles) -> tuple[list[bytes], int, int]:
    """Return the first lines, without line ends, and the bytes where the first two start.

    Fewer lines are returned if the file has fewer. The first line starts after a byte-order mark,
    which spreadsheets put before UTF-8 text.

    Raises:
      InvalidData: the file is missing, empty, or in another encoding.
    """
    with open_input(path, files) as stream:
        lines = [line for line in (stream.readline() for _ in range(count)) if line]
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
    return [line.rstrip(b"\r\n") for line in lines], start, len(first)


def divide(path: str, start: int, files: InputFiles) -> list[tuple[int, int]]:
    """Divide a file into ranges, from a byte on. A compressed file is one range."""
    if is_compressed(path):
        return [(start, TO_THE_END)]
    end = _find_end(path, start, files)
    count = max(1, -(-(end - start) // RANGE_BYTES))
    cuts = [start + (end - start) * number // count for number in range(count + 1)]
    return list(pairwise(cuts))


def count_lines(path: str, start: int, end: int, files: InputFiles, first: bool) -> int:
    """Return the number of lines that start in a range.

    Args:
      path: the file.
      start: first byte of the range.
      end: the byte after its last one, or `TO_THE_END`.
      files: where files come from.
      first: whether the data, and so a line, start at the range's first byte.

    Raises:
      InvalidData: the file cannot be read.
    """
    if end == TO_THE_END:
        return sum(block.count(b"\n") for block in _read_blocks_to_the_end(path, start, files))
    lines = 1 if first and end > start else 0
    with open_input(path, files) as stream:
        position = start if first else start - 1
        stream.seek(position)
        while position < end - 1:
            chunk = stream.read(min(BLOCK_BYTES, end - 1 - position))
            if not chunk:
                break
            lines += chunk.count(b"\n")
            position += len(chunk)
    return lines


def read_blocks(path: str, start: int, end: int, files: InputFiles, first: bool) -> Iterator[bytes]:
    """Yield the lines that start in a range, in blocks of whole lines.

    Every line ends with a newline alone, even in a file from Windows. The arguments are those of
    `count_lines`.

    Raises:
      InvalidData: the file cannot be read.
    """
    if end == TO_THE_END:
        yield from _read_blocks_to_the_end(path, start, files)
        return
    with open_input(path, files) as stream:
        position = start
        if not first:
            stream.seek(start - 1)
            # Skip the rest of the previous line, or only its newline.
            position += len(stream.readline()) - 1
        else:
            stream.seek(start)
        while position < end:
            block = stream.read(min(BLOCK_BYTES, end - position))
            if not block:
                break
            if not block.endswith(b"\n"):
                block += stream.readline()
            position += len(block)
            yield _convert_line_ends(block if block.endswith(b"\n") else block + b"\n")


def _convert_line_ends(lines: bytes) -> bytes:
    """Replace the line ends of Windows by newlines."""
    return lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines


def ends_within_line(path: str, files: InputFiles) -> bool:
    """Return whether the last byte is not a newline, so that the file may have been cut off."""
    size = 0 if is_compressed(path) else files.size(path)
    if not size:
        return False
    with open_input(path, files) as stream:
        stream.seek(size - 1)
        return stream.read(1) != b"\n"


def _find_end(path: str, start: int, files: InputFiles) -> int:
    """Return the byte after the last line that is not blank."""
    size = files.size(path)
    tail_start = max(start, size - _TAIL_BYTES)
    with open_input(path, files) as stream:
        stream.seek(tail_start)
        tail = stream.read()
    text = len(tail.rstrip())
    return tail_start + text + (tail.find(b"\n", text) - text + 1 if b"\n" in tail[text:] else 0)


def _read_blocks_to_the_end(path: str, start: int, files: InputFiles) -> Iterator[bytes]:
    """Yield the lines of a file read as a stream, without blank lines at its end."""
    rest = b""
    with open_input(path, files) as stream:
        stream.read(start)
        while chunk := stream.read(BLOCK_BYTES):
            rest += chunk
            # Keep the last line that is not blank, and the blank lines after it, for later.
            cut = rest.rfind(b"\n", 0, len(rest.rstrip())) + 1
            if cut:
                yield _convert_line_ends(rest[:cut])
                rest = rest[cut:]
    if rest.strip():
        yield rest.rstrip() + b"\n"
