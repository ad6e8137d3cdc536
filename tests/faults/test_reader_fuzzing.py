"""Damaged files of every format, read in a process with 1 GiB of memory: none ends it.

A longer campaign, with other damage each time: RADIO_SIGNALS_FUZZ_MINUTES=10 pytest FILE
"""

import io
import json
import os
import select
import shutil
import subprocess
import sys
import time
from functools import reduce
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.faults.good_folders import CLASSES, FORMS, make_good_files

pytestmark = pytest.mark.slow

TARGET = Path(__file__).parent / "fuzz_target.py"
SECONDS_PER_FOLDER = 60
MINUTES = float(os.environ.get("RADIO_SIGNALS_FUZZ_MINUTES", "0"))
LONGEST_RUN = 24 if MINUTES else 20  # as a power of two


class Reader:
    """The process that reads. It is started again when it has ended.

    Attributes:
      folders: how many it was asked to read.
    """

    def __init__(self):
        self._process = None
        self.folders = 0

    def read(self, folder):
        self.folders += 1
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", TARGET],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # One arena of memory and one pool: the limit is that of addresses.
                env={**os.environ, "PYTHONPATH": ".", **_FRUGAL},
            )
        self._process.stdin.write(json.dumps(str(folder)).encode() + b"\n")
        self._process.stdin.flush()
        if not self._answers():
            self.end()
            return {"crash": f"not read within {SECONDS_PER_FOLDER} seconds of the processor"}
        answer = self._process.stdout.readline()
        return json.loads(answer) if answer else {"crash": f"exit status {self._process.wait()}"}

    def _answers(self):
        """Wait for an answer. On a busy machine, seconds of the clock say little."""
        process = psutil.Process(self._process.pid)

        def measure():
            return process.cpu_times().user + process.cpu_times().system

        limit = measure() + SECONDS_PER_FOLDER
        end = time.monotonic() + 10 * SECONDS_PER_FOLDER
        while not select.select([self._process.stdout], [], [], 1)[0]:
            if measure() > limit or time.monotonic() > end:
                return False
        return True

    def end(self):
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


_FRUGAL = {
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


@pytest.fixture(scope="module")
def reader():
    reader = Reader()
    yield reader
    reader.end()


UNITS = (b"\n", b",", b"0", b"0,", b"0\n", b"x\n", b" ", b"\0", b"\xff", b"\r", b'"', b"\x1b[31m")
NUMBERS = (0, 1, 2, 3, 127, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
TEXTS = (b"-1", b"1e999", b"nan", b"9" * 30, b"(" * 50, b"'|O'", b"'<U99999999'", b"'<f8'", b"True")

# Headers are at the beginning, and lists of members at the end.
place = st.one_of(st.floats(0, 1), st.floats(0, 0.1), st.floats(0.8, 1))
mutation = st.one_of(
    st.tuples(st.just("truncate"), place),
    st.tuples(st.just("remove"), place, st.integers(1, 200)),
    st.tuples(st.just("splice"), place, place, st.integers(1, 2000)),
    st.tuples(st.just("change"), place, st.integers(0, 255)),
    st.tuples(st.just("insert"), place, st.sampled_from(UNITS), st.integers(0, LONGEST_RUN)),
    st.tuples(st.just("text"), place, st.sampled_from(TEXTS)),
    st.tuples(st.just("number"), place, st.sampled_from(NUMBERS), st.sampled_from("<>")),
    st.tuples(st.just("header"), st.integers(0, 16), st.sampled_from(NUMBERS)),
    st.tuples(st.just("digits"), place, st.sampled_from(NUMBERS)),
)
damage = st.fixed_dictionaries(
    {
        "form": st.sampled_from(list(FORMS)),
        "file": st.integers(0, 3),
        "content": st.lists(mutation, max_size=3),
        "packed": st.lists(mutation, max_size=2),
    }
)


def mutate(content, change):
    kind, where, *rest = change
    at = min(int(where * len(content)), len(content)) if kind != "header" else where
    head, tail = content[:at], content[at:]
    if kind == "truncate":
        return head
    if kind == "remove":
        return head + tail[rest[0] :]
    if kind == "splice":
        source = int(rest[0] * len(content))
        return head + content[source : source + rest[1]] + tail
    if kind == "change":
        return head + bytes([rest[0]]) + tail[1:]
    if kind == "insert":
        return head + rest[0] * (2 ** rest[1] // len(rest[0]) or 1) + tail
    if kind == "text":
        return head + rest[0] + tail[len(rest[0]) :]
    if kind == "number":
        size = 8 if rest[0] >= 2**32 else 4
        return head + rest[0].to_bytes(size, "little" if rest[1] == "<" else "big") + tail[size:]
    if kind == "header":
        return head + (rest[0] % 2**32).to_bytes(4, "big") + tail[4:]
    end = next((i for i, c in enumerate(tail) if not chr(c).isdigit()), len(tail))
    return head + str(rest[0]).encode() + tail[end:]


def write_damaged(folder, case):
    """Write the good folder with one file damaged, before or after it is packed, or both."""
    shutil.rmtree(folder, ignore_errors=True)
    files = make_good_files(case["form"])
    damaged = sorted(files)[case["file"] % len(files)]
    for path, (content, pack) in files.items():
        if path == damaged:
            packed = reduce(mutate, case["packed"], pack(reduce(mutate, case["content"], content)))
        else:
            packed = pack(content)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(packed)


def check_that_it_is_read_or_refused(reader, folder, case):
    write_damaged(folder, case)
    answer = reader.read(folder)
    assert "crash" not in answer, answer["crash"]


def campaign(reader, folder, **options):
    @settings(
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        **options,
    )
    @given(damage)
    def run(case):
        check_that_it_is_read_or_refused(reader, folder, case)

    run()


@pytest.mark.parametrize("form", FORMS)
def test_the_undamaged_folder_is_good(form, reader, tmp_path):
    write_damaged(tmp_path / "data", {"form": form, "file": 0, "content": [], "packed": []})
    assert reader.read(tmp_path / "data") == {"errors": []}


def test_many_pictures_of_the_largest_size_are_read_in_little_memory(reader, tmp_path):
    form = "image-folder, PNG"
    write_damaged(tmp_path / "data", {"form": form, "file": 0, "content": [], "packed": []})
    content = io.BytesIO()
    Image.new("RGB", (4096, 4096)).save(content, "PNG", compress_level=1)
    for number in range(4):
        path = tmp_path / "data" / "train" / CLASSES[number % 2] / f"large-{number}.png"
        path.write_bytes(content.getvalue())
    errors = reader.read(tmp_path / "data")["errors"]
    assert len(errors) == 4
    assert all("a constant image holds no signal and no noise" in error for error in errors)


def test_damaged_files_are_read_or_refused_by_name(reader, tmp_path):
    campaign(reader, tmp_path / "data", max_examples=300, derandomize=True)


@pytest.mark.skipif(not MINUTES, reason="RADIO_SIGNALS_FUZZ_MINUTES is not set")
def test_damaged_files_are_read_or_refused_for_minutes(reader, tmp_path):
    end = time.monotonic() + 60 * MINUTES
    while time.monotonic() < end:
        campaign(reader, tmp_path / "data", max_examples=500)
    print(f"{reader.folders:,} damaged folders in {MINUTES:g} minutes, all read or refused by name")
