"""Kills the process group at the n-th change of a file whose path matches an expression.

Python imports this file at its start where its folder is in PYTHONPATH. The audit events of Python
announce each change before it is made, in our own code and in TFX's.

    KILL_PATH   regular expression to search for in the path, or in one of the two paths
    KILL_AT     number of the change to die at, from 1
"""

import os
import re
import signal
import sys

_CHANGES = {"os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.rmdir"}
_path = re.compile(os.environ["KILL_PATH"])
_changes_left = int(os.environ["KILL_AT"])


def _watch(event: str, arguments: tuple) -> None:
    global _changes_left  # noqa: PLW0603 - a hook has no other memory
    if event == "open":
        path, _, flags = arguments
        changed = (str(path),) if flags & os.O_ACCMODE != os.O_RDONLY else ()
    else:
        changed = tuple(map(str, arguments[:2])) if event in _CHANGES else ()
    if any(map(_path.search, changed)):
        _changes_left -= 1
        if _changes_left == 0:
            os.killpg(os.getpgrp(), signal.SIGKILL)


sys.addaudithook(_watch)
