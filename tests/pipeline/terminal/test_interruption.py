"""Signals end a command in seconds, also one that does not notice them."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

SETUP = """
import hashlib, subprocess, sys, time
from pipeline.local.temporary_files import use_temporary_folder
from pipeline.terminal import failures
from pipeline.terminal.interruption import ending_on_signals
from pipeline.terminal.run_state import RUN

with ending_on_signals():
    RUN.step = "Trainer"
    child = subprocess.Popen(["sleep", "60"])
    with use_temporary_folder() as folder:
        try:
            print(child.pid, folder, flush=True)
            {}
        except KeyboardInterrupt as error:
            child.kill()
            status = failures.explain(error, lambda text: print(text, file=sys.stderr), None, False)
    sys.exit(status)
"""
# One notices the exception at once. One is in C code, which holds back the exception. One loses it.
BODIES = {
    "waiting": "time.sleep(60)",
    "in C code": "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)",
    "deaf": """while True:
                try: time.sleep(60)
                except BaseException: pass""",
}
MESSAGE = (
    "Interrupted in Trainer. "
    "To continue after the last finished step, run the same command again.\n"
)


@pytest.fixture
def command(body):
    process = subprocess.Popen(
        [sys.executable, "-c", SETUP.format(BODIES[body])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("waiting", signal.SIGINT),
        ("waiting", signal.SIGTERM),
        ("waiting", signal.SIGHUP),
        ("in C code", signal.SIGTERM),
        ("deaf", signal.SIGHUP),
    ],
)
def test_the_command_says_where_it_stopped_and_leaves_no_process_and_no_folder(
    command, number, times
):
    child, folder = command.stdout.readline().split()
    started = time.monotonic()
    for _ in range(times):
        command.send_signal(number)
        time.sleep(0.1)
    _, errors = command.communicate(timeout=10)
    assert time.monotonic() - started < (5 if times == 1 else 2)
    assert (command.returncode, errors) == (130, MESSAGE)
    assert not is_running(int(child))
    assert not subprocess.run(["ls", folder], capture_output=True).stdout
