"""Full, read-only and forbidden folders, as real mounts and rights; needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.simulation.dataset import simulate_dataset
from tests.end_to_end.support.pipeline_runs import COMMAND, SMALL

OPTIONS = (*SMALL, "--epochs=1", "--set=height=32", "--set=width=32")
NO_SPACE = (
    "no space is left on the disk. Free space, then run the same command again: it continues after "
    "the last finished step. `radio-signals prune` removes old runs."
)
# A user without the right to do what is forbidden to others.
WITHOUT_PRIVILEGES = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def can_mount() -> bool:
    attempt = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    return os.geteuid() == 0 and attempt.returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="needs root and the right to mount")


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mount a file system in memory on a new folder."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("disks") / "data"
    simulate_dataset(folder, train=40, validation=40, height=32, width=32, workers=1)
    return folder


def run(data: Path, output: Path, *prefix: str) -> tuple[int, str]:
    """Run the command; return its exit status and what it printed on both streams."""
    finished = subprocess.run(
        [*prefix, COMMAND, "run", f"--data={data}", f"--output={output}", *OPTIONS],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert "Traceback" not in finished.stdout + finished.stderr
    return finished.returncode, finished.stdout + finished.stderr


def test_a_read_only_file_system_is_named(data, tmp_path):
    with mounted(tmp_path / "runs", "ro") as output:
        status, text = run(data, output)
    message = "the file system is read-only. Give another folder, or make this one writable."
    assert (status, text) == (1, f"Error: {output}/.lock: {message}\n")


def test_a_folder_of_another_user_is_named(data, tmp_path):
    output = tmp_path / "theirs" / "runs"
    output.parent.mkdir(mode=0o755)
    os.chown(output.parent, 12345, 12345)
    status, text = run(data, output, *WITHOUT_PRIVILEGES)
    message = "this user may not read or write it. Change the rights, or give another folder."
    assert (status, text) == (1, f"Error: {output}: {message}\n")


def test_a_full_disk_is_named(data, tmp_path):
    with mounted(tmp_path / "runs", "size=64k") as output:
        (output / "fill").write_bytes(bytes(64 << 10))
        status, text = run(data, output)
    assert (status, text) == (1, f"Error: {output}/.lock: {NO_SPACE}\n")


@pytest.fixture(scope="module")
def needed(data, tmp_path_factory) -> int:
    """The bytes that the output of a run takes."""
    with mounted(tmp_path_factory.mktemp("large") / "runs", "size=1g") as output:
        status, text = run(data, output)
        assert status == 0, text
        space = os.statvfs(output)
        return (space.f_blocks - space.f_bfree) * space.f_bsize


@pytest.mark.faults
@pytest.mark.parametrize("percent", [2, 10, 25, 40, 55, 70, 85, 95])
def test_a_disk_that_becomes_full_is_named_and_the_run_finishes_on_a_larger_one(
    data, needed, tmp_path, percent
):
    with mounted(tmp_path / "runs", f"size={needed * percent // 100}") as output:
        status, text = run(data, output)
        error = text[text.index("Error: ") :]
        print(f"{percent} % of {needed:,} bytes: {error}", flush=True)
        assert status == 1
        assert NO_SPACE in error.replace("No space", "no space")
        subprocess.run(["mount", "-o", "remount,size=1g", output], check=True)
        status, text = run(data, output)
        assert status == 0, text
