"""`data download` from a stand-in for Google Drive; the sample is what is published there."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data import seed_layout
from data.fingerprint import fingerprint_file
from data.invalid import InvalidData
from data.published_set.files import PublishedFile, holds_published_set
from pipeline.data_commands.download import download_data
from pipeline.terminal.failures import ServiceError
from tests.data.published_set.test_files import pack
from tests.fake_drive import QUOTA, SIGN_IN, UUID, FakeDrive, FakeDriveServer
from tests.faults.test_disks import can_mount, mounted

COMMAND = Path(sys.executable).with_name("radio-signals")
FILE_ID = "1R2BlsYydirhMmf89_D1imOT5aVvkXHi2"
SAMPLE_FOLDER = Path(seed_layout.__file__).with_name("sample")
SAMPLE = {
    str(path.relative_to(SAMPLE_FOLDER)): path for path in seed_layout.list_files(SAMPLE_FOLDER)[1:]
}
# A table like that of the published files, for the sample.
FILES = {
    name: PublishedFile(path.stat().st_size, fingerprint_file(str(path)))
    for name, path in SAMPLE.items()
}
BY_HAND = (
    f"Or open https://drive.google.com/file/d/{FILE_ID}/view in a browser, save the zip, and give "
    "it with --file."
)


@pytest.fixture(scope="module")
def content():
    # As large as several of the pieces in which a download arrives.
    other = {"readme": np.random.default_rng(0).bytes(3 << 20)}
    files = {name: path.read_bytes() for name, path in SAMPLE.items()}
    return pack({**files, **other}, "dataset/")


@pytest.fixture
def drive(content):
    return FakeDrive(content)


@pytest.fixture
def server(drive, tmp_path_factory):
    with FakeDriveServer(drive, tmp_path_factory.mktemp("drive")) as server:
        yield server


@pytest.fixture
def google(server, monkeypatch):
    """Make the stand-in answer in place of Google."""
    for name, value in server.as_proxy().items():
        monkeypatch.setenv(name, value)


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.usefixtures("google")
def test_the_set_is_fetched_from_the_drive_verified_placed_and_checked(tmp_path, drive, capsys):
    download_data(str(tmp_path / "seti"), published=FILES)
    assert holds_published_set(tmp_path / "seti", FILES)
    folders = ["train", "validation"]
    assert files_in(tmp_path / "seti") == sorted([*folders, *FILES]), "nothing else is left"
    first, second, *found, last = capsys.readouterr().out.splitlines()
    assert first == f"downloading https://drive.google.com/uc?id={FILE_ID}"
    assert second == f"{tmp_path}/seti: the published set, all sums agree"
    assert found[0].startswith(f"{tmp_path}/seti: csv-pair, 64 x 128, read in ")
    assert last == "no errors"
    user_content = f"https://drive.usercontent.google.com/download?id={FILE_ID}&export=download"
    assert drive.requests == [
        (f"https://drive.google.com/uc?id={FILE_ID}", ""),
        (user_content, ""),
        (f"{user_content}&confirm=t&uuid={UUID}", ""),
    ]


def test_a_set_that_is_there_is_left_alone_and_nothing_is_requested(
    tmp_path, server, drive, capsys
):
    for _ in range(2):
        download_data(str(tmp_path), f"{server.address}/set.zip", published=FILES)
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"{tmp_path} holds the published set already: all sums agree"
    )
    assert len(drive.requests) == 1


def test_another_set_in_the_folder_is_replaced_only_on_request(tmp_path, server, drive):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "images.csv").write_text("mine")
    (tmp_path / "SIMULATED.json").write_text("{}")
    url = f"{server.address}/set.zip"
    with pytest.raises(FileExistsError, match=r"SIMULATED\.json already exists"):
        download_data(str(tmp_path), url, published=FILES)
    assert (drive.requests, (tmp_path / "train" / "images.csv").read_text()) == ([], "mine")
    download_data(str(tmp_path), url, overwrite=True, published=FILES)
    assert holds_published_set(tmp_path, FILES)
    assert not (tmp_path / "SIMULATED.json").exists()


def test_a_zip_at_hand_is_unpacked_and_kept(tmp_path, content):
    (tmp_path / "set.zip").write_bytes(content)
    download_data(str(tmp_path / "seti"), zip_file=str(tmp_path / "set.zip"), published=FILES)
    assert holds_published_set(tmp_path / "seti", FILES)
    assert (tmp_path / "set.zip").read_bytes() == content


def test_a_wrong_zip_leaves_no_trace_and_is_requested_again(tmp_path, server, drive, content):
    url = f"{server.address}/set.zip"
    drive.content = b"<html><title>Sign in</title>"
    with pytest.raises(InvalidData, match='is a web page, with the title "Sign in", and no zip'):
        download_data(str(tmp_path / "new" / "seti"), url, published=FILES)
    assert list(tmp_path.iterdir()) == []
    drive.content = content
    download_data(str(tmp_path / "new" / "seti"), url, published=FILES)
    assert holds_published_set(tmp_path / "new" / "seti", FILES)


def test_a_download_that_broke_off_continues_with_the_next_command(
    tmp_path, server, drive, content
):
    url = f"{server.address}/set.zip"
    drive.break_after = len(content) // 2
    drive.content = content
    download_data(str(tmp_path / "seti"), url, published=FILES)
    assert [bool(asked) for _, asked in drive.requests] == [False, True]
    assert holds_published_set(tmp_path / "seti", FILES)


@pytest.mark.usefixtures("google")
@pytest.mark.parametrize(
    ("page", "reason"),
    [
        pytest.param(
            QUOTA,
            "Too many people have downloaded it lately (quota exceeded). Try again tomorrow.",
            id="quota",
        ),
        pytest.param(SIGN_IN, "It shows a page that offers no download.", id="sign-in"),
        pytest.param(
            '<p class="uc-error-subcaption">The owner has\x1b[2J not given you permission.</p>',
            r"The owner has\x1b[2J not given you permission.",
            id="another reason",
        ),
    ],
)
def test_a_drive_that_shows_a_page_is_quoted(tmp_path, drive, page, reason):
    drive.page = page
    with pytest.raises(ServiceError) as refused:
        download_data(str(tmp_path / "seti"), published=FILES)
    assert str(refused.value) == (
        f"drive.google.com does not hand out the file. {reason} {BY_HAND}"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not can_mount(), reason="needs root and the right to mount")
@pytest.mark.parametrize("size", ["64k", "4m"], ids=["for the zip", "for its files"])
def test_a_full_disk_is_named_with_its_folder(tmp_path, server, size):
    with mounted(tmp_path / "disk", f"size={size}") as disk:
        with pytest.raises(OSError, match="No space left on device") as full:
            download_data(str(disk), f"{server.address}/set.zip", published=FILES)
        assert full.value.errno == errno.ENOSPC
        assert str(full.value.filename).startswith(str(disk))
        assert [path for path in files_in(disk) if path.endswith(".csv")] == []


def radio_signals(*arguments, **environment):
    finished = subprocess.run(
        [COMMAND, "data", "download", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    return finished.returncode, finished.stderr


def test_the_command_refuses_what_is_not_published_and_explains_what_it_cannot_reach(
    tmp_path, server, drive
):
    google = server.as_proxy()
    size = SAMPLE["train/images.csv"].stat().st_size
    assert radio_signals(tmp_path / "seti", **google) == (
        2,
        f"Error: https://drive.google.com/uc?id={FILE_ID} does not hold the published set: "
        f"train/images.csv in it has {size:,} bytes, and the published file has 235,929,600. Give "
        "another copy with --url or --file.\n",
    )
    drive.page = QUOTA
    status, message = radio_signals(tmp_path / "seti", **google)
    assert status == 1
    assert message.startswith("Error: drive.google.com does not hand out the file. Too many people")
