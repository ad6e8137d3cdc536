"""Temporary files of a run, in a folder that goes with it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def own_temporary_folder() -> Iterator[str]:
    """Give this process, and those that it starts, a temporary folder; remove it at the end.

    TensorFlow, TFX and Beam leave files and folders behind wherever temporary files go, by the
    hundred: those of every worker process that is ended rather than left to end.
    """
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="radio-signals-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        try:
            yield folder
        finally:
            tempfile.tempdir = before
            if variable is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = variable
