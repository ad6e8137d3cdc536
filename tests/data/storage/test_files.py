"""The file API on this machine, through Python and through TensorFlow's gfile."""

import os

import pytest

from data.storage import files


@pytest.fixture(params=["", "file://"], ids=["local", "gfile"])
def folder(request, tmp_path):
    """A folder with files in it, as a path and as an address that only TensorFlow knows."""
    for name, content in {"a/one": "1", "a/b/two": "2", "three": "3"}.items():
        files.write_file(f"{tmp_path}/{name}", content)
    return f"{request.param}{tmp_path}"


def test_text_and_bytes_are_read_as_they_were_written(folder):
    files.write_file(f"{folder}/new/text", "straße\nz\n")
    assert files.read_text(f"{folder}/new/text") == "straße\nz\n"
    with files.open_file(f"{folder}/new/text", "rb") as file:
        file.seek(2)
        assert file.read(3) == b"ra\xc3"
    assert files.list_folder(f"{folder}/new") == ["text"]


@pytest.mark.parametrize(("mode", "half"), [("wb", b"half"), ("w", "half")])
def test_a_file_appears_when_it_is_complete_and_not_after_an_error(folder, mode, half):
    with files.writing(f"{folder}/late", mode) as stream:
        stream.write(half)
        assert not files.exists(f"{folder}/late")
    assert files.read_text(f"{folder}/late") == "half"
    with pytest.raises(ZeroDivisionError), files.writing(f"{folder}/three", mode) as stream:
        stream.write(half * (1 // 0))
    assert files.read_text(f"{folder}/three") == "3"
    assert files.list_folder(folder) == ["a", "late", "three"]


def test_a_local_file_and_its_folder_are_on_disk_when_the_block_ends(tmp_path, monkeypatch):
    calls = []
    replace, fsync = os.replace, os.fsync

    def record_fsync(descriptor):
        calls.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def record_replace(source, target):
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    files.write_file(f"{tmp_path}/text", "x")
    unfinished = f"{tmp_path}/text.unfinished-{os.getpid()}"
    assert calls == [unfinished, "replace", str(tmp_path)]


def test_a_full_disk_is_an_error_with_the_path(tmp_path):
    disk = os.open("/dev/full", os.O_WRONLY)
    with (
        pytest.raises(OSError, match="No space left on device") as full,
        files.writing(f"{tmp_path}/text", "wb"),
    ):
        os.write(disk, b"x")
    os.close(disk)
    assert full.value.filename == f"{tmp_path}/text"
    assert os.listdir(tmp_path) == []


def test_folders_are_listed_walked_and_removed(folder):
    assert files.list_folder(folder) == ["a", "three"]
    assert files.is_folder(f"{folder}/a")
    assert not files.is_folder(f"{folder}/three")
    assert list(files.walk(f"{folder}/")) == [
        (folder, ["a"], ["three"]),
        (f"{folder}/a", ["b"], ["one"]),
        (f"{folder}/a/b", [], ["two"]),
    ]
    assert list(files.walk(f"{folder}/missing")) == []
    files.remove_folder(f"{folder}/a")
    files.remove_file(f"{folder}/three")
    files.make_folder(f"{folder}/x/y")
    files.make_folder(f"{folder}/x/y")
    assert list(files.walk(folder)) == [
        (folder, ["x"], []),
        (f"{folder}/x", ["y"], []),
        (f"{folder}/x/y", [], []),
    ]


def test_a_copied_folder_replaces_its_target(folder):
    files.write_file(f"{folder}/copy/old", "old")
    files.copy_folder(f"{folder}/a/", f"{folder}/copy")
    assert files.list_folder(f"{folder}/copy") == ["b", "one"]
    assert files.read_bytes(f"{folder}/copy/b/two") == b"2"
    files.copy_file(f"{folder}/three", f"{folder}/copy/one")
    assert files.read_text(f"{folder}/copy/one") == "3"


def test_a_moved_file_replaces_its_target(folder):
    files.move_file(f"{folder}/three", f"{folder}/a/one")
    assert files.read_text(f"{folder}/a/one") == "3"
    assert files.list_folder(folder) == ["a"]


def test_a_published_folder_appears_whole_and_takes_no_space(tmp_path):
    source, target = tmp_path / "a", tmp_path / "shelf" / "7"
    (source / "b").mkdir(parents=True)
    (source / "one").write_text("1")
    (source / "b" / "two").write_text("2")
    files.publish_folder(str(source), str(target), last="one")
    assert [(target / name).read_text() for name in ("one", "b/two")] == ["1", "2"]
    assert (target / "one").samefile(source / "one"), "a hard link"
    assert os.listdir(target.parent) == ["7"]
    with pytest.raises(FileExistsError, match="7 exists already"):
        files.publish_folder(str(source), str(target), last="one")


def test_a_folder_that_could_not_be_published_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_text("1")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        files.publish_folder(f"{tmp_path}/a", f"{tmp_path}/shelf/7", last="one")
    assert os.listdir(tmp_path / "shelf") == []


@pytest.mark.parametrize(
    "call",
    [
        files.list_folder,
        files.remove_folder,
        files.remove_file,
        files.open_file,
        files.read_bytes,
        lambda path: files.copy_file(path, f"{path}-copy"),
        lambda path: files.move_file(path, f"{path}-copy"),
        lambda path: files.copy_folder(path, f"{path}-copy"),
        lambda path: files.publish_folder(path, f"{path}-copy", last="one"),
    ],
)
def test_what_does_not_exist_is_a_file_not_found_error(folder, call):
    with pytest.raises(FileNotFoundError, match=f"{folder}/missing"):
        call(f"{folder}/missing")
    assert files.list_folder(folder) == ["a", "three"]
