"""Tries the header of an HDF5 file in a process of its own.

From some damaged files HDF5 never returns, for example if a download left zeros among the texts,
and others end the process. Its calls cannot be interrupted.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from threading import Lock

from data.invalid import InvalidData, escape

# Of processor time: many times what the largest header needs.
_SECONDS = 2
_MEMORY_BYTES = 2 << 30

_lock = Lock()
_processes: list[subprocess.Popen[str]] = []


def try_header(path: str) -> None:
    """Open a file as `Hdf5Observation` does, in another process, which stays for other files.

    Raises:
      InvalidData: the file was refused there, or has ended the process.
    """
    with _lock:
        if not _processes:
            _processes.append(_start())
        (process,) = _processes
        if process.stdin is None or process.stdout is None:
            raise ValueError("The process has no pipes.")
        absolute = os.path.abspath(path)
        process.stdin.write(json.dumps(absolute) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            process.communicate()
            _processes.clear()
    if not answer:
        raise InvalidData(
            f"{path} is damaged or cut off: the HDF5 library cannot read it. Copy it again."
        )
    if refusal := json.loads(answer):
        raise InvalidData(refusal.replace(escape(absolute), path, 1))


def _start() -> subprocess.Popen[str]:
    """Start the process in the folder of our packages: modules in the user's are none of ours."""
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _answer(path: str) -> str:
    """Return why a file is refused; nothing if it is not."""
    from data.telescope.filterbank_hdf5 import Hdf5Observation

    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + _SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
    try:
        Hdf5Observation(path).close()
    except InvalidData as error:
        return str(error)
    return ""


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process ends, and with it the input
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES if most < 0 else most, most))
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)
