"""Reading the record of runs changes nothing, and damage is named."""

import re
import subprocess
import sys

import pytest
from ml_metadata import metadata_store

from data.invalid import InvalidData
from pipeline.history.digests import Digests
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
        "Restore the whole output folder from a copy, or start anew in another one.$",
        str(refused.value),
    )


def test_a_change_that_sqlite_cannot_notice_is_found_by_the_digest_of_the_last_run(database):
    output = str(database.parent)
    Digests(output).add_record(str(database))
    connect_to_metadata(output)
    content = bytearray(database.read_bytes())
    at = content.index(b"Evaluate")  # a name in a table
    content[at] ^= 1
    database.write_bytes(content)
    for connect in (connect_to_metadata, create_metadata):
        with pytest.raises(InvalidData) as refused:
            connect(output)
        assert str(refused.value) == (
            f"{database}, the record of all runs, is damaged: it is not as the last run left it. "
            "Restore the whole output folder from a copy, or start anew in another one."
        )


def test_a_run_may_change_the_record(database):
    output = str(database.parent)
    Digests(output).add_record(str(database))
    create_metadata(output)
    with database.open("ab") as file:
        file.write(bytes(4096))
    connect_to_metadata(output)


@pytest.mark.parametrize("connect", [connect_to_metadata, create_metadata])
def test_a_transaction_that_was_killed_is_taken_back(database, connect):
    kill_in_transaction = (
        "import os, sqlite3, sys\n"
        "store = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "store.execute('PRAGMA cache_size=2')\n"  # so that it writes before it commits
        "store.execute('BEGIN')\n"
        "store.execute('CREATE TABLE half (text)')\n"
        "store.executemany('INSERT INTO half VALUES (?)', [('x' * 1000,)] * 100)\n"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", kill_in_transaction, database], check=True)
    assert b"CREATE TABLE half" in database.read_bytes()
    assert read_runs(connect(str(database.parent))) == []
    assert b"CREATE TABLE half" not in database.read_bytes()
