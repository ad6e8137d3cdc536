"""Only one run at a time may use an output folder."""

import subprocess
import sys

import pytest

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
        assert find_refusal(refused.value) == (
            f"Another run is writing to {tmp_path}. Wait for it, or give --output another folder."
        )
    finally:
        holder.kill()
        holder.wait()
    with lock_output(str(tmp_path)):
        pass
