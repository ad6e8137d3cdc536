"""Files in an object store, through the methods that the steps and TFX call."""

import socket
import threading

import boto3
import pytest
from tfx.dsl.io import fileio
from tfx.dsl.io.filesystem import NotFoundError
from tfx.utils import io_utils

import data.storage.object_store as object_store_module
from data.storage import files
from data.storage.object_store import StoreError
from data.storage.tfx_plugin import register_object_stores
from tests.object_store import BUCKET, STORES, keys_for, no_store, object_store

FOLDER = "minio://mlpipeline/radio"


@pytest.fixture(scope="module", autouse=True, params=STORES)
def store(request):
    register_object_stores()
    with object_store(request.param):
        yield


@pytest.fixture(autouse=True)
def folder():
    for name, content in {"a/one": "1", "a/b/two": "2", "three": "3"}.items():
        files.write_file(f"{FOLDER}/{name}", content)
    yield
    files.remove_folder(FOLDER)


def test_text_and_bytes_are_read_as_they_were_written():
    files.write_file(f"{FOLDER}/text", "straße\nz\n")
    with files.open_file(f"{FOLDER}/text") as file:
        assert list(file) == ["straße\n", "z\n"]
    with files.open_file(f"{FOLDER}/text", "rb") as file:
        file.seek(2)
        assert file.read(3) == b"ra\xc3"


def test_both_schemes_open_the_store_that_the_environment_names():
    assert files.read_text("s3://mlpipeline/radio/a/one") == "1"


def test_a_folder_exists_as_soon_as_a_file_is_in_it():
    assert files.list_folder(FOLDER) == ["a", "three"]
    assert files.list_folder(f"{FOLDER}/a/") == ["b", "one"]
    assert files.is_folder(f"{FOLDER}/a")
    assert not files.is_folder(f"{FOLDER}/three")
    assert files.exists(f"{FOLDER}/a/b/")
    assert not files.exists(f"{FOLDER}/c")
    files.remove_folder(f"{FOLDER}/a")
    assert files.list_folder(FOLDER) == ["three"]


def test_a_folder_is_walked_from_the_top_down_or_from_the_bottom_up():
    folders = [
        (FOLDER, ["a"], ["three"]),
        (f"{FOLDER}/a", ["b"], ["one"]),
        (f"{FOLDER}/a/b", [], ["two"]),
    ]
    assert list(files.walk(f"{FOLDER}/")) == folders
    assert list(fileio.walk(FOLDER, topdown=False)) == folders[::-1]
    assert list(files.walk(f"{FOLDER}/missing")) == []


def test_a_file_and_a_folder_are_copied_within_the_store():
    files.copy_file(f"{FOLDER}/a/one", f"{FOLDER}/three")
    assert files.read_text(f"{FOLDER}/three") == "1"
    files.copy_folder(f"{FOLDER}/a", f"{FOLDER}/copy")
    assert files.read_text(f"{FOLDER}/copy/b/two") == "2"


@pytest.mark.parametrize("copy_folder", [files.copy_folder, io_utils.copy_dir])
def test_a_folder_is_copied_from_disk_to_the_store_and_back(tmp_path, copy_folder):
    (tmp_path / "here" / "x").mkdir(parents=True)
    (tmp_path / "here" / "x" / "y").write_bytes(b"\x00\xff")
    copy_folder(str(tmp_path / "here"), f"{FOLDER}/copy")
    copy_folder(f"{FOLDER}/copy", str(tmp_path / "back"))
    assert (tmp_path / "back" / "x" / "y").read_bytes() == b"\x00\xff"


@pytest.mark.slow
def test_a_folder_of_more_files_than_a_request_names_is_listed_and_removed():
    client = boto3.client("s3", region_name="us-east-1")
    names = [f"{number:04d}" for number in range(1001)]
    for name in names:
        client.put_object(Bucket=BUCKET, Key=f"radio/many/{name}", Body=b"")
    assert files.list_folder(f"{FOLDER}/many") == names
    files.remove_folder(f"{FOLDER}/many")
    assert not any(names for *_, names in files.walk(f"{FOLDER}/many"))


def test_tfx_replaces_a_file_by_a_rename_only_on_request():
    with pytest.raises(OSError, match="radio/three exists"):
        fileio.rename(f"{FOLDER}/a/one", f"{FOLDER}/three")
    fileio.rename(f"{FOLDER}/a/one", f"{FOLDER}/three", overwrite=True)
    assert files.read_text(f"{FOLDER}/three") == "1"
    assert not files.exists(f"{FOLDER}/a/one")


MISSING = "minio://mlpipeline/radio/missing does not exist"


@pytest.mark.parametrize(
    "call",
    [
        files.list_folder,
        files.remove_folder,
        files.remove_file,
        files.open_file,
        lambda path: files.copy_file(path, f"{FOLDER}/copy"),
        lambda path: files.move_file(path, f"{FOLDER}/moved"),
        lambda path: files.copy_folder(path, f"{FOLDER}/copy"),
    ],
)
def test_what_does_not_exist_is_a_file_not_found_error(call):
    with pytest.raises(FileNotFoundError, match=MISSING):
        call(f"{FOLDER}/missing")


def test_a_file_that_is_removed_while_it_is_read_is_a_file_not_found_error():
    left = threading.Event()

    def write_and_remove() -> None:
        while not left.is_set():
            files.write_file(f"{FOLDER}/brief", "x" * 1000)
            files.remove_file(f"{FOLDER}/brief")

    def read() -> str:
        try:
            return files.read_text(f"{FOLDER}/brief")
        except FileNotFoundError as error:
            return str(error)

    writer = threading.Thread(target=write_and_remove)
    writer.start()
    try:
        outcomes = {read() for _ in range(20)}
    finally:
        left.set()
        writer.join()
    assert outcomes <= {"x" * 1000, f"{FOLDER}/brief does not exist"}


@pytest.mark.parametrize(
    "call",
    [
        fileio.listdir,
        fileio.rmtree,
        fileio.remove,
        fileio.open,
        lambda path: fileio.copy(path, f"{FOLDER}/copy"),
        lambda path: fileio.rename(path, f"{FOLDER}/renamed"),
    ],
)
def test_what_does_not_exist_is_a_not_found_error_to_tfx(call):
    with pytest.raises(NotFoundError, match=MISSING):
        call(f"{FOLDER}/missing")


@pytest.mark.parametrize(("mode", "half"), [("wb", b"half"), ("w", "half")])
def test_an_unfinished_file_does_not_appear(mode, half):
    stream = fileio.open(f"{FOLDER}/late", mode)
    stream.write(half)
    assert not files.exists(f"{FOLDER}/late")
    stream.close()
    assert files.exists(f"{FOLDER}/late")
    with pytest.raises(ZeroDivisionError), files.writing(f"{FOLDER}/broken", mode) as stream:
        stream.writelines(half * (1 // divisor) for divisor in (1, 0))
    abandoned = fileio.open(f"{FOLDER}/abandoned", mode)
    abandoned.write(half)
    del abandoned
    assert files.list_folder(FOLDER) == ["a", "late", "three"]


def test_keys_that_open_one_folder_of_the_bucket_are_enough():
    with keys_for("profile"):
        models = "minio://mlpipeline/profile/models"
        for name in ("1/saved_model.pb", "1/variables/data", "new"):
            files.write_file(f"{models}/{name}", name)
        files.copy_file(f"{models}/new", f"{models}/copy")
        fileio.rename(f"{models}/new", f"{models}/2")
        assert files.list_folder(models) == ["1", "2", "copy"]
        assert files.read_text(f"{models}/2") == "new"
        assert not files.exists(f"{models}/3")
        files.remove_file(f"{models}/copy")
        files.remove_folder(f"{models}/1")
        assert [(folder, names) for folder, _, names in files.walk(models) if names] == [
            (models, ["2"])
        ]
        with pytest.raises(StoreError, match=f"{FOLDER}/three in the store"):
            files.remove_file(f"{FOLDER}/three")
        with pytest.raises(StoreError, match=f"{FOLDER}/a/b/two in the store"):
            files.remove_folder(FOLDER)
    assert files.list_folder(FOLDER) == ["a", "three"]


def test_a_store_that_cannot_be_reached_is_named():
    message = r"minio://bucket/x in the store http://127.0.0.1:9: .*AWS_ACCESS_KEY_ID"
    with no_store():
        with pytest.raises(StoreError, match=message):
            files.list_folder("minio://bucket/x")
        with pytest.raises(StoreError, match=message):
            files.write_file("minio://bucket/x", "x")


def test_a_bucket_that_does_not_exist_is_named():
    with pytest.raises(OSError, match="minio://nowhere/x"):
        files.write_file("minio://nowhere/x", b"x")


@pytest.mark.parametrize(
    ("services", "address"),
    [
        (["minio-service.kubeflow"], "http://minio-service.kubeflow:9000"),
        (["minio-service.kubeflow", "seaweedfs.kubeflow"], "http://seaweedfs.kubeflow:8333"),
        (["seaweedfs.kubeflow"], "http://seaweedfs.kubeflow:8333"),
        ([], "http://seaweedfs.kubeflow:8333"),
    ],
)
def test_without_an_address_minio_is_the_store_of_the_cluster(monkeypatch, services, address):
    def look_up(host, port):
        if host not in services:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    uncached = object_store_module._find_in_cluster.__wrapped__
    monkeypatch.setattr(object_store_module, "_find_in_cluster", uncached)
    endpoint = object_store_module._endpoint
    assert endpoint("minio://mlpipeline/x") == address
    assert endpoint("s3://bucket/x") == ""
