"""Reading the record of runs changes nothing, and damage is named."""

import re

import pytest
from ml_metadata import metadata_store

from data.invalid import InvalidData
from pipeline.history.records import connect_to_metadata, create_metadata, read_runs


@pytest.fixture
def database(tmp_path):
    metadata_store.MetadataStore(create_metadata(str(tmp_path)))
    return tmp_path / "metadata.sqlite"


def test_a_reader_opens_the_database_read_only(database):
    before = database.read_bytes()
    assert read_runs(connect_to_metadata(str(database.parent))) == []
    assert database.read_bytes() == before


@pytest.mark.parametrize("empty", [True, False])
def test_a_folder_without_runs_stays_as_it_is(tmp_path, empty):
    if empty:
        (tmp_path / "metadata.sqlite").touch()
    with pytest.raises(LookupError, match=f"^{tmp_path} holds no runs"):
        connect_to_metadata(str(tmp_path))
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [0] * empty


@pytest.mark.parametrize("connect", [connect_to_metadata, create_metadata])
@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda content: b"garbage " * 1000, "file is not a database"),
        (lambda content: content[:5000], "database disk image is malformed"),
        (lambda content: content[:4096] + b"\xff" * 8192 + content[12288:], r"\*\*\* in database"),
    ],
    ids=["other content", "truncated", "overwritten"],
)
def test_a_damaged_database_is_named(database, connect, damage, problem):
    database.write_bytes(damage(database.read_bytes()))
    message = f"{database}, the record of all runs, is damaged: {problem}"
    with pytest.raises(InvalidData, match=message) as refused:
        connect(str(database.parent))
    assert re.search(
        "Restore it from a copy, or start anew in another output folder.$", str(refused.value)
    )
