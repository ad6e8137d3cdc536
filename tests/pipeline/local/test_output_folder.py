"""Only one run at a time may use an output folder."""

import errno
import fcntl
import os
import re
import socket
import subprocess
import sys
import time

import pytest

from pipeline.config.config import ConfigError
from pipeline.local.output_folder import OutputInUseError, lock_output
from pipeline.terminal.failures import find_refusal

HOLD = (
    "import sys; from pipeline.local.output_folder import lock_output\n"
    "with lock_output(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
)


def test_a_folder_locked_by_another_process_is_refused_until_that_process_ends(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OutputInUseError) as refused, lock_output(str(tmp_path)):
            pass
        today = time.strftime("%Y-%m-%d")
        message = re.fullmatch(
            rf"Another run is writing to {tmp_path}: process (\d+) on {socket.gethostname()}, "
            rf"since {today} \d\d:\d\d:\d\d\. Wait for it, or give --output another folder\.",
            find_refusal(refused.value),
        )
        assert int(message[1]) == holder.pid
    finally:
        holder.kill()
        holder.wait()
    with lock_output(str(tmp_path)):
        pass


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(ConfigError, match="cannot lock files") as refused, lock_output(tmp_path):
        pass
    assert str(refused.value).startswith(f"The file system of {tmp_path} cannot lock files")
