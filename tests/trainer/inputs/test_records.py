"""The examples of a split stay on disk, and each can be read."""

import json
import os
from pathlib import Path

import pytest
import tensorflow as tf

from data.invalid import InvalidData
from data.storage import files
from tests.trainer.small_run import TRAIN
from trainer.inputs.records import Records, read_records


def read_all(records: Records) -> list[bytes]:
    return [record for block in records.read_blocks() for record in block.numpy()]


@pytest.fixture(scope="module")
def records(small_data):
    return read_records([str(small_data / "train.*")])


def test_any_examples_are_read_in_the_order_of_their_indices(small_data, records):
    stored = list(tf.data.TFRecordDataset(str(small_data / "train.tfrecord")).as_numpy_iterator())
    assert (records.images, read_all(records)) == (TRAIN, stored)
    members = [7, 0, TRAIN - 1, 7]
    for read in (records.read, tf.function(records.read)):
        assert read(tf.constant(members)).numpy().tolist() == [stored[i] for i in members]


def test_examples_are_read_from_several_files_and_by_the_workers_of_a_shard(stored, records):
    expected = read_all(records)
    assert read_all(read_records([f"{stored}/*"])) == expected
    # Three workers share two files record by record.
    for worker in range(3):
        shard = read_records([f"{stored}/*"], 3, worker)
        assert read_all(shard) == expected[worker::3]


def test_examples_in_a_bucket_are_read_from_a_copy_on_this_machine(stored, records, monkeypatch):
    # TensorFlow's file system in memory stands for a bucket.
    for name in ("a", "b"):
        files.write_file(f"ram://examples/{name}", (stored / name).read_bytes())
    remote = read_records(["ram://examples/*"])
    for name in ("a", "b"):
        files.remove_file(f"ram://examples/{name}")
    assert read_all(remote) == read_all(records)
    assert remote.fingerprint == records.fingerprint


def test_examples_that_were_removed_meanwhile_can_still_be_read(stored, records):
    opened = read_records([f"{stored}/*"])
    for file in stored.iterdir():
        file.unlink()
    assert read_all(opened) == read_all(records)


def test_a_file_that_becomes_shorter_is_named(stored):
    opened = read_records([f"{stored}/*"])
    os.truncate(stored / "b", 1000)
    with pytest.raises(InvalidData, match=f"{stored}/b became shorter while it was in use"):
        read_all(opened)


def test_the_fingerprint_depends_on_the_records_but_not_on_their_files(tmp_path, records):
    serialised = read_all(records)

    def compute_fingerprint(name: str, *files: list[bytes]) -> str:
        for number, content in enumerate(files):
            with tf.io.TFRecordWriter(str(tmp_path / f"{name}-{number}")) as writer:
                for record in content:
                    writer.write(record)
        return read_records([str(tmp_path / f"{name}-*")]).fingerprint

    assert compute_fingerprint("one", serialised) == records.fingerprint
    assert compute_fingerprint("two", serialised[:20], serialised[20:]) == records.fingerprint
    assert compute_fingerprint("reversed", serialised[::-1]) != records.fingerprint
    assert compute_fingerprint("fewer", serialised[1:]) != records.fingerprint


@pytest.fixture
def stored(tmp_path, records) -> Path:
    """Two files of a split, of 20 and 30 records, and what ingest wrote about them."""
    split = tmp_path / "Split-train"
    split.mkdir()
    serialised = read_all(records)
    for name, content in (("a", serialised[:20]), ("b", serialised[20:])):
        with tf.io.TFRecordWriter(str(split / name)) as writer:
            for record in content:
                writer.write(record)
    counts = {"Split-train/a": 20, "Split-train/b": TRAIN - 20}
    (tmp_path / "findings.json").write_text(json.dumps({"stored": counts}))
    return split


def cut(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (lambda file: cut(file, -5), "is damaged."),
        (flip_a_bit, "is damaged."),
        (lambda file: cut(file, 0), "holds 0 images, but ingest stored 30 in it."),
        (
            # All records have the same size.
            lambda file: cut(file, file.stat().st_size * 2 // 3),
            "holds 20 images, but ingest stored 30 in it.",
        ),
        (lambda file: file.unlink(), "is missing."),
    ],
    ids=["cut within a record", "bit flipped", "emptied", "cut between records", "removed"],
)
@pytest.mark.parametrize(("workers", "worker"), [(1, 0), (2, 1), (3, 0)])
def test_a_damaged_file_is_refused_by_the_workers_that_read_it(
    stored, damage, finding, workers, worker
):
    damage(stored / "b")
    remedy = "Run again with --no-cache, which stores the images again."
    with pytest.raises(InvalidData) as refused:
        read_records([f"{stored}/*"], workers, worker)
    assert str(refused.value) == f"{stored}/b {finding} {remedy}"


def test_whole_files_are_read_also_without_the_counts_of_earlier_releases(stored, records):
    assert read_records([f"{stored}/*"]).fingerprint == records.fingerprint
    (stored.parent / "findings.json").unlink()
    assert read_records([f"{stored}/*"]).fingerprint == records.fingerprint
