"""Leases of folders, on this machine and in an object store."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from data.storage import files, lease
from data.storage.lease import LeaseHeldError, hold_lease
from tests.object_store import STORES, object_store


@pytest.fixture(scope="module", params=["local", *STORES])
def store(request):
    """The address of a bucket, or nothing: folders are on this machine."""
    if request.param == "local":
        yield ""
    else:
        with object_store(request.param):
            yield "s3://mlpipeline"


@pytest.fixture
def folder(store, tmp_path):
    folder = f"{store or tmp_path}/serving"
    yield folder
    if store:
        files.remove_folder(folder)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(lease, "_LONGEST_PAUSE_SECONDS", 0.02)


def list_leases(folder: str) -> list[str]:
    return files.list_folder(f"{folder}/.lease")


def test_a_held_folder_is_refused_with_holder_times_and_remedy(folder):
    with hold_lease(folder, "run 7 on ada", seconds=60):
        (held,) = list_leases(folder)
        with pytest.raises(LeaseHeldError) as refusal, hold_lease(folder, "run 8", seconds=60):
            pytest.fail("two hold the folder")
        assert list_leases(folder) == [held]
    message = str(refusal.value)
    assert message.startswith(f"{folder} is in use by run 7 on ada since 2")
    assert message.endswith(
        "+00:00 at the latest. Wait for it. If it has ended without removing "
        f"{folder}/.lease/{held}, remove that file."
    )


def test_the_lease_of_a_killed_holder_is_taken_over_by_the_same_holder_alone(folder):
    with hold_lease(folder, "killed", seconds=60, identity="a"):
        with pytest.raises(LeaseHeldError), hold_lease(folder, "other", 60, identity="b"):
            pytest.fail("another holder got the folder")
        with hold_lease(folder, "the same, started again", seconds=60, identity="a"):
            (lease,) = list_leases(folder)
            assert "started again" in files.read_text(f"{folder}/.lease/{lease}")
        assert list_leases(folder) == []


def test_a_folder_is_free_again_after_the_work_and_after_an_error(folder):
    with pytest.raises(ZeroDivisionError), hold_lease(folder, "first", seconds=60):
        _ = 1 / 0
    with hold_lease(folder, "second", seconds=60):
        assert len(list_leases(folder)) == 1
    assert not files.exists(f"{folder}/.lease") or list_leases(folder) == []


def test_an_expired_lease_is_taken_over_and_its_holder_ends_without_an_error(folder):
    with hold_lease(folder, "slow", seconds=-1):
        (expired,) = list_leases(folder)
        with hold_lease(folder, "next", seconds=60):
            assert len(list_leases(folder)) == 1
            assert expired not in list_leases(folder)


def test_of_many_that_come_at_once_at_most_one_works_in_the_folder(folder, monkeypatch):
    # As long as it takes to write and list a few leases in the store.
    monkeypatch.setattr(lease, "_LONGEST_PAUSE_SECONDS", 0.3)
    inside, most, done = [], [], []
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        barrier.wait()
        for _ in range(2):
            with suppress(LeaseHeldError), hold_lease(folder, str(number), seconds=60):
                inside.append(number)
                most.append(len(inside))
                time.sleep(0.002)
                inside.remove(number)
                done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert done


def test_the_lease_of_a_killed_process_holds_until_it_expires(tmp_path):
    code = (
        "import sys; from data.storage.lease import hold_lease\n"
        "with hold_lease(sys.argv[1], 'killed', float(sys.argv[2])):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    folder = str(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", code, folder, "2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
    with pytest.raises(LeaseHeldError, match="in use by killed"), hold_lease(folder, "next", 60):
        pytest.fail("the lease has not expired")
    (name,) = list_leases(folder)
    while time.time() * 1000 <= int(name.partition("-")[0]):
        time.sleep(0.01)
    with hold_lease(folder, "next", seconds=60):
        assert name not in list_leases(folder)
