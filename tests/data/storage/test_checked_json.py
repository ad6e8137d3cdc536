"""JSON files that hold their own digest."""

import json

import pytest

from data.invalid import InvalidData
from data.storage.checked_json import read_checked_json, write_checked_json

CONTENT = {"name": "line", "rate": 0.1, "shape": (8, 16), "nested": {1: None, "b": [True]}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "folder" / "card.json"
    write_checked_json(str(path), CONTENT)
    return path


def test_what_was_written_is_read_without_the_digest(file):
    assert read_checked_json(str(file)) == json.loads(json.dumps(CONTENT))
    assert len(json.loads(file.read_text())["sha256"]) == 64


def test_no_changed_bit_changes_what_is_read(file):
    good, damaged = file.read_bytes(), 0
    for bit in range(8 * len(good)):
        content = bytearray(good)
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        try:
            read = read_checked_json(str(file))
        except InvalidData:
            damaged += 1
            continue
        # White space, or the name of the digest, which then looks like content.
        assert {key: read.get(key) for key in CONTENT} == json.loads(json.dumps(CONTENT))
    assert damaged > 6 * len(good)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_other_content_is_damage(file, content):
    file.write_bytes(content)
    with pytest.raises(InvalidData, match=f"^{file} is damaged.$"):
        read_checked_json(str(file))


def test_files_of_earlier_releases_have_no_digest(file):
    file.write_text('{"name": "line"}')
    assert read_checked_json(str(file)) == {"name": "line"}


def test_a_missing_file_is_not_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checked_json(str(tmp_path / "missing.json"))
