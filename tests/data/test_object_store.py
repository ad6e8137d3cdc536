"""Files in an object store, by the methods that TFX and the steps call."""

import socket
import threading

import pytest
from moto.server import ThreadedMotoServer
from tfx.dsl.io.filesystem import NotFoundError
from tfx.utils import io_utils

import data.storage.object_store as object_store_module
from data.storage.object_store import StoreError, fileio
from tests.object_store import keys_for, no_store, object_store
from tests.ports import free_port

FOLDER = "minio://mlpipeline/radio"


@pytest.fixture(scope="module", autouse=True)
def store():
    with object_store() as environment:
        yield environment


@pytest.fixture(autouse=True)
def folder():
    for name, content in {"a/one": "1", "a/b/two": "2", "three": "3"}.items():
        with fileio.open(f"{FOLDER}/{name}", "w") as file:
            file.write(content)
    yield
    fileio.rmtree(FOLDER)


def test_texts_and_bytes_come_back_as_they_were_written():
    with fileio.open(f"{FOLDER}/text", "w") as file:
        file.write("straße\nz\n")
    with fileio.open(f"{FOLDER}/text") as file:
        assert list(file) == ["straße\n", "z\n"]
    with fileio.open(f"{FOLDER}/text", "rb") as file:
        file.seek(2)
        assert file.read(3) == b"ra\xc3"


def test_both_schemes_open_the_store_that_the_environment_names():
    with fileio.open("s3://mlpipeline/radio/a/one") as file:
        assert file.read() == "1"


def test_folders_are_there_as_soon_as_files_are_in_them():
    assert fileio.listdir(FOLDER) == ["a", "three"]
    assert fileio.listdir(f"{FOLDER}/a/") == ["b", "one"]
    assert fileio.isdir(f"{FOLDER}/a") and not fileio.isdir(f"{FOLDER}/three")
    assert fileio.exists(f"{FOLDER}/a/b/") and not fileio.exists(f"{FOLDER}/c")
    fileio.rmtree(f"{FOLDER}/a")
    assert fileio.listdir(FOLDER) == ["three"]


def test_a_folder_is_walked_from_the_top_down():
    assert list(fileio.walk(f"{FOLDER}/")) == [
        (FOLDER, ["a"], ["three"]),
        (f"{FOLDER}/a", ["b"], ["one"]),
        (f"{FOLDER}/a/b", [], ["two"]),
    ]
    assert list(fileio.walk(f"{FOLDER}/missing")) == []


def test_folders_are_copied_from_disk_to_store_and_back(tmp_path):
    (tmp_path / "here" / "x").mkdir(parents=True)
    (tmp_path / "here" / "x" / "y").write_bytes(b"\x00\xff")
    io_utils.copy_dir(str(tmp_path / "here"), f"{FOLDER}/there")
    io_utils.copy_dir(f"{FOLDER}/there", str(tmp_path / "back"))
    assert (tmp_path / "back" / "x" / "y").read_bytes() == b"\x00\xff"


def test_a_file_is_renamed_and_replaces_another_only_on_request():
    with pytest.raises(OSError, match="radio/three exists"):
        fileio.rename(f"{FOLDER}/a/one", f"{FOLDER}/three")
    fileio.rename(f"{FOLDER}/a/one", f"{FOLDER}/three", overwrite=True)
    with fileio.open(f"{FOLDER}/three") as file:
        assert file.read() == "1"
    assert not fileio.exists(f"{FOLDER}/a/one")


@pytest.mark.parametrize(
    "call",
    [
        fileio.listdir,
        fileio.rmtree,
        fileio.remove,
        fileio.open,
        lambda path: fileio.copy(path, f"{FOLDER}/copied"),
        lambda path: fileio.rename(path, f"{FOLDER}/renamed"),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(call):
    with pytest.raises(NotFoundError, match="minio://mlpipeline/radio/missing is not there"):
        call(f"{FOLDER}/missing")


@pytest.mark.parametrize(("mode", "half"), [("wb", b"half"), ("w", "half")])
def test_a_file_that_is_not_finished_does_not_appear(mode, half):
    stream = fileio.open(f"{FOLDER}/late", mode)
    stream.write(half)
    assert not fileio.exists(f"{FOLDER}/late")
    stream.close()
    assert fileio.exists(f"{FOLDER}/late")
    with pytest.raises(ZeroDivisionError), fileio.open(f"{FOLDER}/broken", mode) as stream:
        stream.write(half)
        stream.write(half * (1 // 0))
    abandoned = fileio.open(f"{FOLDER}/abandoned", mode)
    abandoned.write(half)
    del abandoned
    assert fileio.listdir(FOLDER) == ["a", "late", "three"]


def test_keys_that_open_a_part_of_the_bucket_are_enough(monkeypatch):
    monkeypatch.setattr(object_store_module, "_ATTEMPTS", 1)
    with keys_for("profile"):
        mine = "minio://mlpipeline/profile/models"
        for name in ("1/saved_model.pb", "1/variables/data", "new"):
            with fileio.open(f"{mine}/{name}", "w") as file:
                file.write(name)
        fileio.copy(f"{mine}/new", f"{mine}/copy")
        fileio.rename(f"{mine}/new", f"{mine}/2")
        assert fileio.listdir(mine) == ["1", "2", "copy"]
        assert fileio.open(f"{mine}/2").read() == "new"
        assert not fileio.exists(f"{mine}/3")
        fileio.remove(f"{mine}/copy")
        fileio.rmtree(f"{mine}/1")
        assert [(folder, files) for folder, _, files in fileio.walk(mine) if files] == [
            (mine, ["2"])
        ]
        with pytest.raises(StoreError, match=f"{FOLDER}/three in the store"):
            fileio.remove(f"{FOLDER}/three")
        with pytest.raises(StoreError, match=f"{FOLDER} in the store"):
            fileio.rmtree(FOLDER)
    assert fileio.listdir(FOLDER) == ["a", "three"]


def test_a_store_that_does_not_answer_is_named():
    said = r"minio://bucket/x in the store http://127.0.0.1:9: .*AWS_ACCESS_KEY_ID"
    with no_store():
        with pytest.raises(StoreError, match=said):
            fileio.listdir("minio://bucket/x")
        with pytest.raises(StoreError, match=said), fileio.open("minio://bucket/x", "w") as file:
            file.write("x")


def test_a_store_that_is_away_for_seconds_is_waited_for(monkeypatch):
    port = free_port()
    later = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    starting = threading.Timer(3, later.start)
    starting.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    try:
        # One memory is behind all servers of a process.
        assert fileio.listdir(FOLDER) == ["a", "three"]
    finally:
        starting.join()
        later.stop()


def test_a_bucket_that_is_not_there_is_named():
    with (
        pytest.raises(OSError, match="minio://nowhere/x"),
        fileio.open("minio://nowhere/x", "wb") as file,
    ):
        file.write(b"x")


@pytest.mark.parametrize(
    ("services", "address"),
    [
        (["minio-service.kubeflow"], "http://minio-service.kubeflow:9000"),
        (["minio-service.kubeflow", "seaweedfs.kubeflow"], "http://seaweedfs.kubeflow:8333"),
        (["seaweedfs.kubeflow"], "http://seaweedfs.kubeflow:8333"),
        ([], "http://seaweedfs.kubeflow:8333"),
    ],
)
def test_without_an_address_minio_is_the_store_that_the_cluster_has(monkeypatch, services, address):
    def names_of_the_cluster(host, port):
        if host not in services:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", names_of_the_cluster)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    asked_anew = object_store_module._in_cluster.__wrapped__
    monkeypatch.setattr(object_store_module, "_in_cluster", asked_anew)
    endpoint = object_store_module._endpoint
    assert endpoint("minio://mlpipeline/x") == address
    assert endpoint("s3://bucket/x") == ""
