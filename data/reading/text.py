"""Text files in byte ranges that are read independently.

A line belongs to the range in which it starts. So a reader of bytes [start, end) skips the rest of
a line that began before, and reads on to the end of its last one; and as many lines start in a
range as there are newlines in the same range moved one byte ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from data.invalid import InvalidData
from data.reading.files import Files, is_compressed, opened

# Lines are handed out in blocks of about this size.
BLOCK_BYTES = 8 << 20

# What one worker reads at a time. Its grey levels, a ninth of that, are held in memory.
RANGE_BYTES = 32 << 20

TO_THE_END = -1

_TAIL_BYTES = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def first_lines(path: str, count: int, files: Files) -> tuple[list[bytes], int, int]:
    """Return the first lines, without their ends, and the bytes where the first two start.

    There are fewer lines if the file has fewer. The first starts behind a byte-order mark, which
    spreadsheets put before UTF-8 text.

    Raises:
      InvalidData: the file is missing, empty, or in another encoding.
    """
    with opened(path, files) as stream:
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


def ranges(path: str, start: int, files: Files) -> list[tuple[int, int]]:
    """Divide a file from a byte on into ranges; a compressed one is one range, to its end."""
    if is_compressed(path):
        return [(start, TO_THE_END)]
    end = _end_of_text(path, start, files)
    count = max(1, -(-(end - start) // RANGE_BYTES))
    cuts = [start + (end - start) * part // count for part in range(count + 1)]
    return list(pairwise(cuts))


def count_lines(path: str, start: int, end: int, files: Files, first: bool) -> int:
    """Return the number of lines that start in a range.

    Args:
      path: the file.
      start, end: the range.
      files: where files come from.
      first: whether a line starts at the range's very first byte, because the data do.

    Raises:
      InvalidData: the file cannot be read.
    """
    if end == TO_THE_END:
        return sum(block.count(b"\n") for block in _blocks_to_the_end(path, start, files))
    lines = 1 if first and end > start else 0
    with opened(path, files) as stream:
        position = start if first else start - 1
        stream.seek(position)
        while position < end - 1:
            chunk = stream.read(min(BLOCK_BYTES, end - 1 - position))
            if not chunk:
                break
            lines += chunk.count(b"\n")
            position += len(chunk)
    return lines


def line_blocks(path: str, start: int, end: int, files: Files, first: bool) -> Iterator[bytes]:
    """Yield the lines that start in a range, in blocks of whole lines.

    Each line is ended by a newline alone, on Windows too.

    Arguments as above.

    Raises:
      InvalidData: the file cannot be read.
    """
    if end == TO_THE_END:
        yield from _blocks_to_the_end(path, start, files)
        return
    with opened(path, files) as stream:
        position = start
        if not first:
            stream.seek(start - 1)
            # The rest of the line before, or only its newline.
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
            yield _unix(block if block.endswith(b"\n") else block + b"\n")


def _unix(lines: bytes) -> bytes:
    """Lines with ends as on Unix, whatever they were."""
    return lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines


def ends_within_a_line(path: str, files: Files) -> bool:
    """Whether a file's last byte is no newline, so that it may have been cut off there."""
    size = 0 if is_compressed(path) else files.size(path)
    if not size:
        return False
    with opened(path, files) as stream:
        stream.seek(size - 1)
        return stream.read(1) != b"\n"


def _end_of_text(path: str, start: int, files: Files) -> int:
    """The end of the last line that is not blank."""
    size = files.size(path)
    tail_start = max(start, size - _TAIL_BYTES)
    with opened(path, files) as stream:
        stream.seek(tail_start)
        tail = stream.read()
    text = len(tail.rstrip())
    return tail_start + text + (tail.find(b"\n", text) - text + 1 if b"\n" in tail[text:] else 0)


def _blocks_to_the_end(path: str, start: int, files: Files) -> Iterator[bytes]:
    """The lines of a file read as a stream, less blank lines at its end."""
    rest = b""
    with opened(path, files) as stream:
        stream.read(start)
        while chunk := stream.read(BLOCK_BYTES):
            rest += chunk
            # Keep back the last line that is not blank, and what blank lines follow it.
            cut = rest.rfind(b"\n", 0, len(rest.rstrip())) + 1
            if cut:
                yield _unix(rest[:cut])
                rest = rest[cut:]
    if rest.strip():
        yield rest.rstrip() + b"\n"
