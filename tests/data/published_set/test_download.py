"""Downloads from a stand-in for Google Drive on this machine."""

import pytest

from data.invalid import InvalidData
from data.published_set.download import MOST_BYTES, DownloadError, fetch
from tests.fake_drive import FakeDrive, FakeDriveServer
from tests.ports import free_port

# Larger than the blocks in which gdown writes.
CONTENT = bytes(range(256)) * 8192
BROKEN_AT = 1_500_000
# With urllib3 2, the block in which a connection breaks is lost.
MOST_LOST = 1 << 20


@pytest.fixture
def drive():
    return FakeDrive(CONTENT)


@pytest.fixture
def server(drive, tmp_path):
    with FakeDriveServer(drive, tmp_path) as server:
        yield server


def ignore(_done, _total):
    pass


def find_first_byte(drive):
    """Return the first byte of the range that was requested last."""
    return int(drive.requests[-1][1].removeprefix("bytes=").removesuffix("-"))


def try_fetch(url, folder, **options):
    """Return the message with which a download is refused."""
    with pytest.raises((DownloadError, InvalidData)) as refused:
        fetch(url, folder, ignore, retries=0, **options)
    return str(refused.value)


def test_a_file_is_downloaded_and_its_bytes_are_counted(server, tmp_path):
    counts = []
    path = fetch(f"{server.address}/set.zip", tmp_path, lambda *count: counts.append(count))
    assert path.read_bytes() == CONTENT
    assert counts[-1] == (len(CONTENT), len(CONTENT))
    assert counts == sorted(counts)


def test_a_broken_download_continues_after_the_bytes_that_have_arrived(server, drive, tmp_path):
    drive.break_after = BROKEN_AT
    url = f"{server.address}/set.zip"
    assert try_fetch(url, tmp_path) == (
        "127.0.0.1 cannot be reached, or the connection broke off: the server sent fewer bytes "
        "than it announced. Run the same command again: it continues where it stopped. Or open "
        f"{url} in a browser, save the zip, and give it with --file."
    )
    counts = []
    path = fetch(url, tmp_path, lambda *count: counts.append(count))
    assert path.read_bytes() == CONTENT
    first = find_first_byte(drive)
    assert BROKEN_AT - MOST_LOST < first <= BROKEN_AT
    assert counts[0][0] > first


def test_a_connection_that_breaks_once_is_opened_again(server, drive, tmp_path):
    drive.break_after = BROKEN_AT
    path = fetch(f"{server.address}/set.zip", tmp_path, ignore, retries=1)
    assert path.read_bytes() == CONTENT
    assert len(drive.requests) == 2
    assert BROKEN_AT - MOST_LOST < find_first_byte(drive) <= BROKEN_AT


def test_a_server_that_does_not_know_ranges_is_asked_for_the_whole_file(server, drive, tmp_path):
    drive.break_after, drive.ranges = BROKEN_AT, False
    try_fetch(f"{server.address}/set.zip", tmp_path)
    assert fetch(f"{server.address}/set.zip", tmp_path, ignore).read_bytes() == CONTENT


def test_a_file_of_which_all_bytes_have_arrived_is_not_asked_for_again(server, drive, tmp_path):
    url = f"{server.address}/set.zip"
    path = fetch(url, tmp_path, ignore)
    drive.requests.clear()
    assert fetch(url, tmp_path, ignore) == path
    assert drive.requests == []
    path.rename(f"{path}abcdefgh.part")  # killed before the last step
    assert fetch(url, tmp_path, ignore).read_bytes() == CONTENT


def test_the_parts_of_two_addresses_are_not_joined(server, drive, tmp_path):
    drive.break_after = BROKEN_AT
    try_fetch(f"{server.address}/one.zip", tmp_path)
    drive.content = CONTENT[::-1]
    assert fetch(f"{server.address}/other.zip", tmp_path, ignore).read_bytes() == CONTENT[::-1]


def test_a_file_that_is_far_too_large_is_not_downloaded(server, drive, tmp_path):
    class Huge(bytes):
        def __len__(self):
            return MOST_BYTES + 1

    drive.content = Huge(CONTENT)
    assert try_fetch(f"{server.address}/set.zip", tmp_path) == (
        f"{server.address}/set.zip has more than 1,180,224,000 bytes, and the published set has "
        "fewer. Give another address."
    )


def test_an_address_that_does_not_exist_is_refused_with_the_answer(server, tmp_path):
    url = f"{server.address}/missing.zip"
    assert try_fetch(url, tmp_path) == (
        f"{url} cannot be downloaded: 404 Not Found. Or open {url} in a browser, save the zip, "
        "and give it with --file."
    )


@pytest.mark.parametrize("url", ["set.zip", "ftp://host/set.zip", "http://", "https://[bad/x.zip"])
def test_what_is_no_address_is_refused(tmp_path, url):
    assert try_fetch(url, tmp_path) == (
        f"{url} is not an address of a file on a server. It begins with https:// or http://."
    )


def test_without_a_network_the_message_says_what_to_do(tmp_path):
    url = f"http://127.0.0.1:{free_port()}/set.zip"
    assert try_fetch(url, tmp_path) == (
        "127.0.0.1 cannot be reached, or the connection broke off: Connection refused. Run the "
        f"same command again: it continues where it stopped. Or open {url} in a browser, save the "
        "zip, and give it with --file."
    )
    assert list(tmp_path.iterdir()) == []
