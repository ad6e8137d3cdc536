"""A temporary folder that is removed when a run ends."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator

from pipeline.terminal.interruption import add_temporary_folder


@contextlib.contextmanager
def use_temporary_folder() -> Iterator[str]:
    """Give this process and its children a temporary folder of their own; remove it at the end.

    TensorFlow, TFX and Beam leave hundreds of temporary files behind, among others those of each
    worker process that is killed.
    """
    previous, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="radio-signals-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        add_temporary_folder(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = previous
            if variable is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = variable
