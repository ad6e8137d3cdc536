"""Byte ranges of text: every line is in exactly one of them, wherever the cuts are."""

import gzip
import io

import pytest

from data.reading import text


class OneFile:
    """A file system with this text behind every name."""

    def __init__(self, content):
        self.content = content

    def open(self, path):
        return io.BytesIO(self.content)

    def size(self, path):
        return len(self.content)


@pytest.mark.parametrize("size", range(1, 25))
@pytest.mark.parametrize(
    "content",
    [b"ab\ncde\nf\n", b"ab\ncde\nf", b"a\n\nb\n", b"ab\ncde\nf\n\n\n", b"a\r\nb\r\n", b"abcdefgh"],
)
def test_lines_are_counted_and_read_once_and_in_order(content, size, monkeypatch):
    monkeypatch.setattr(text, "RANGE_BYTES", size)
    monkeypatch.setattr(text, "BLOCK_BYTES", 4)
    files = OneFile(content)
    expected = content.rstrip().split(b"\n")
    read = []
    for number, (start, end) in enumerate(text.divide("f", 0, files)):
        blocks = list(text.read_blocks("f", start, end, files, number == 0, 100))
        lines = b"".join(blocks).splitlines()
        assert text.count_lines("f", start, end, files, number == 0, 100, 99) == len(lines)
        read += lines
    assert read == [line.rstrip(b"\r") for line in expected]


def test_ranges_start_after_a_header():
    files = OneFile(b"head\n1\n2\n")
    ((start, end),) = text.divide("f", 5, files)
    assert list(text.read_blocks("f", start, end, files, True, 100)) == [b"1\n2\n"]
    assert text.count_lines("f", start, end, files, True, 100, 99) == 2


def test_counting_ends_where_a_compressed_file_has_too_many_lines(monkeypatch):
    monkeypatch.setattr(text, "BLOCK_BYTES", 1 << 16)
    files = OneFile(gzip.compress(b"1\n" * (1 << 20)))
    lines = text.count_lines("f.gz", 0, text.TO_THE_END, files, True, 100, 50_000)
    assert 50_000 < lines <= 50_000 + (1 << 15), "a block too many"


@pytest.mark.parametrize(("content", "cut"), [(b"a\nb\n", False), (b"a\nb", True), (b"", False)])
def test_a_file_that_ends_within_a_line_is_recognised(content, cut):
    assert text.ends_within_line("f", OneFile(content)) == cut
