"""The seed layout, byte for byte."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data import seed_layout
from data.invalid import InvalidData
from data.reading.inventory import take_inventory
from data.reading.layout import Layout
from data.simulation.dataset import list_image_keys

RECORD = {"simulated": True, "preset": "basic"}
REPOSITORY = Path(__file__).resolve().parents[2]


def tiny(count=4, classes=4, start=0):
    """A split of `count` images of 2 x 3 pixels."""
    numbers = range(start, start + count)
    images = [np.full((2, 3), 60 * number % 256, np.uint8) for number in numbers]
    return images, [number % classes for number in numbers], classes


def write(directory, record=None, **options):
    splits = {"train": tiny(4), "validation": tiny(2)}
    seed_layout.write_data_set(directory, splits, record, **options)


def everything_in(directory):
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*"))


def test_a_value_is_k_over_255_with_six_decimals_and_nine_bytes():
    assert seed_layout.encode_csv(np.array([[161, 159], [0, 255]], np.uint8)) == (
        b"0.631373,0.623529\n0.000000,1.000000\n"
    )


def test_every_one_of_the_256_values_is_written_as_python_would():
    text = seed_layout.encode_csv(np.arange(256, dtype=np.uint8)[np.newaxis])
    assert text == ",".join(f"{k / 255:.6f}" for k in range(256)).encode() + b"\n"


def test_a_data_set_is_four_files_of_rows(tmp_path):
    write(tmp_path / "set")
    assert everything_in(tmp_path / "set") == [
        "train",
        "train/images.csv",
        "train/labels.csv",
        "validation",
        "validation/images.csv",
        "validation/labels.csv",
    ]
    assert (tmp_path / "set/validation/images.csv").read_bytes() == (
        b"0.000000,0.000000,0.000000,0.000000,0.000000,0.000000\n"
        b"0.235294,0.235294,0.235294,0.235294,0.235294,0.235294\n"
    )
    assert (tmp_path / "set/validation/labels.csv").read_bytes() == (
        b"1.000000,0.000000,0.000000,0.000000\n0.000000,1.000000,0.000000,0.000000\n"
    )


def test_more_images_than_fit_into_one_block_are_all_written(tmp_path):
    seed_layout.write_data_set(tmp_path, {"train": tiny(200, classes=2)})
    values = np.loadtxt(tmp_path / "train/images.csv", delimiter=",")
    expected = np.array([60 * number % 256 for number in range(200)]) / 255
    np.testing.assert_allclose(values, np.repeat(expected[:, np.newaxis], 6, axis=1), atol=5e-7)


@pytest.mark.parametrize(
    ("split", "count", "sha256"),
    [
        ("train", 3200, "072c3f7d856a5166c68b68e7ab34442199c2e55ff4f3e744df9768ad6b2453da"),
        ("validation", 800, "7acda77c3187a22ecf7afa7194b8655aa317e88cf2c4f305b79319ad45fa8d26"),
    ],
)
def test_labels_are_the_published_files_byte_for_byte(tmp_path, split, count, sha256):
    names = seed_layout.CLASS_NAMES
    labels = [names.index(key.class_name) for key in list_image_keys(split, count, names)]
    images = [np.zeros((1, 1), np.uint8)] * count
    seed_layout.write_data_set(tmp_path, {split: (images, labels, len(names))})
    text = (tmp_path / split / "labels.csv").read_bytes()
    assert hashlib.sha256(text).hexdigest() == sha256


def test_blocks_have_the_published_order_only_for_the_published_classes():
    assert seed_layout.order_blocks(seed_layout.CLASS_NAMES) == (0, 2, 3, 1)
    assert seed_layout.order_blocks(["noise", "narrowband", "squiggle"]) == (0, 1, 2)


def test_a_record_says_that_data_are_simulated(tmp_path):
    write(tmp_path, record=RECORD)
    assert json.loads((tmp_path / "SIMULATED.json").read_text()) == RECORD
    assert seed_layout.read_record(tmp_path) == RECORD


def test_data_without_a_record_are_not_called_simulated(tmp_path):
    write(tmp_path)
    assert seed_layout.read_record(tmp_path) is None


@pytest.mark.parametrize("name", ["train/images.csv", "validation/labels.csv", "SIMULATED.json"])
def test_a_folder_that_holds_any_file_of_a_data_set_is_refused_and_left_alone(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=f"{path.name} already exists. Choose another"):
        write(tmp_path)
    assert [p.read_text() for p in tmp_path.rglob("*") if p.is_file()] == ["mine"]


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "set").write_text("mine")
    with pytest.raises(NotADirectoryError, match="set is a file, and a data set is a folder"):
        write(tmp_path / "set")


def test_overwriting_replaces_the_data_and_the_record_and_nothing_else(tmp_path):
    write(tmp_path, record=RECORD)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "train" / "notes.txt").write_text("mine too")
    before = (tmp_path / "train/images.csv").read_bytes()
    seed_layout.write_data_set(tmp_path, {"train": tiny(1), "validation": tiny(1)}, overwrite=True)
    assert (tmp_path / "train/images.csv").read_bytes() == before[:54]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "train" / "notes.txt").read_text() == "mine too"
    assert not (tmp_path / "SIMULATED.json").exists()


@pytest.mark.parametrize("has_notes", [True, False])
def test_overwriting_by_a_set_without_test_images_removes_the_old_ones(tmp_path, has_notes):
    splits = {"train": tiny(4), "validation": tiny(2), "test": tiny(1)}
    seed_layout.write_data_set(tmp_path, splits)
    if has_notes:
        (tmp_path / "test" / "notes.txt").write_text("mine")
    write(tmp_path, overwrite=True)
    notes = ["test", "test/notes.txt"] if has_notes else []
    files = [
        f"{split}/{name}.csv" for split in ("train", "validation") for name in ("images", "labels")
    ]
    assert everything_in(tmp_path) == sorted([*notes, "train", "validation", *files])


def failing_images():
    yield np.zeros((2, 3), np.uint8)
    raise OSError("disk full")


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    splits = {"train": (failing_images(), [0, 1], 4), "validation": tiny(2)}
    with pytest.raises(OSError, match="disk full"):
        seed_layout.write_data_set(tmp_path / "new/set", splits)
    assert everything_in(tmp_path) == []


def test_a_failed_overwrite_leaves_the_old_data_as_they_were(tmp_path):
    write(tmp_path, record=RECORD)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    splits = {"train": tiny(2), "validation": (failing_images(), [0, 1], 4)}
    with pytest.raises(OSError, match="disk full"):
        seed_layout.write_data_set(tmp_path, splits, overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_images_without_a_label_are_an_error(tmp_path):
    images, labels, classes = tiny(4)
    with pytest.raises(ValueError, match="train: received 4 images but 3 labels"):
        seed_layout.write_data_set(tmp_path, {"train": (images, labels[:3], classes)})


# Writes a data set over each of many copies of another one. In copy n, the process dies before the
# n-th change of a file; in the last copy, it ends by itself.
KILLED = """
import os, shutil, signal, sys
from tests.data.test_seed_layout import NEW_RECORD, tiny
from data import seed_layout

CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}

def overwrite(folder, death):
    changes = 0
    def watch(event, arguments):
        nonlocal changes
        writes = event == "open" and arguments[2] & os.O_ACCMODE != os.O_RDONLY
        if writes or event in CHANGES:
            changes += 1
            if changes == death:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    splits = {"train": tiny(3, start=1), "validation": tiny(2, start=1)}
    seed_layout.write_data_set(folder, splits, NEW_RECORD, overwrite=True)
    os._exit(0)

for death in range(1, 100):
    folder = f"{sys.argv[1]}/{death}"
    shutil.copytree(sys.argv[2], folder)
    if not (child := os.fork()):
        overwrite(folder, death)
    if os.waitpid(child, 0)[1] != signal.SIGKILL:
        break
"""
NEW_RECORD = {"simulated": True, "preset": "hard"}


def read_whole(folder):
    """Return the files of a data set that can be trained on; None where a split is missing."""
    if take_inventory(str(folder), Layout(("a", "b", "c", "d"), 2, 3)).problems:
        return None
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in seed_layout.list_files(folder)
    }


def test_an_overwrite_that_is_killed_anywhere_leaves_the_old_set_the_new_set_or_no_set(tmp_path):
    splits = {"train": tiny(4), "validation": tiny(2), "test": tiny(1)}
    seed_layout.write_data_set(tmp_path / "old", splits, RECORD)
    command = [sys.executable, "-c", KILLED, tmp_path / "copies", tmp_path / "old"]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    copies = [tmp_path / "copies" / str(n + 1) for n in range(len(list(tmp_path.glob("copies/*"))))]
    old, new = read_whole(tmp_path / "old"), read_whole(copies[-1])
    assert json.loads(new["SIMULATED.json"]) == NEW_RECORD
    contents = [read_whole(copy) for copy in copies]
    assert all(content in (None, old, new) for content in contents)
    names = ["old" if content == old else "new" if content else "none" for content in contents]
    assert names == sorted(names, key=["old", "none", "new"].index)
    assert names.count("none") >= 4, "it was killed within the swap"
    for copy in (copies[0], copies[names.index("none") + 1], copies[-2]):
        seed_layout.write_data_set(copy, splits, RECORD, overwrite=True)
        assert read_whole(copy) == old
        assert [path.name for path in copy.glob(".*")] == [], "what was unfinished is removed"


def test_a_second_process_is_refused_while_the_first_writes_and_removes_nothing(tmp_path):
    def images_during_which_another_process_writes():
        yield np.zeros((2, 3), np.uint8)
        for overwrite in (False, True):
            with pytest.raises(InvalidData) as refused:
                write(tmp_path, overwrite=overwrite)
            assert str(refused.value) == (
                f"Another process is writing a data set to {tmp_path}. Wait for it, or choose "
                "another folder."
            )
        yield np.zeros((2, 3), np.uint8)

    splits = {
        "train": (images_during_which_another_process_writes(), [0, 1], 4),
        "validation": tiny(2),
    }
    seed_layout.write_data_set(tmp_path, splits, RECORD)
    assert len(seed_layout.list_files(tmp_path)) == 5
    write(tmp_path, overwrite=True)
