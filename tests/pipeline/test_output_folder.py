"""One run at a time in one output folder."""

import subprocess
import sys

import pytest

from pipeline.local.output_folder import OutputInUse, sole_user_of
from pipeline.terminal.failures import refusal

HOLD = (
    "import sys; from pipeline.local.output_folder import sole_user_of\n"
    "with sole_user_of(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
)


def test_a_folder_held_by_another_process_is_refused_until_that_ends(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OutputInUse) as refused, sole_user_of(str(tmp_path)):
            pass
        assert refusal(refused.value) == (
            f"Another run is writing to {tmp_path}. Wait for it, or give --output another folder."
        )
    finally:
        holder.kill()
        holder.wait()
    with sole_user_of(str(tmp_path)):
        pass
