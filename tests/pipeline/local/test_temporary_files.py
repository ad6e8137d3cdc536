"""Temporary files of a run are removed when it ends."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline.local.temporary_files import use_temporary_folder

MAKE_ONE = "import tempfile; print(tempfile.mkdtemp())"


def test_temporary_files_of_this_process_and_its_children_are_removed_at_the_end():
    before = tempfile.gettempdir(), os.environ.get("TMPDIR")
    with use_temporary_folder() as folder:
        own = Path(tempfile.mkdtemp())
        child = subprocess.run(
            [sys.executable, "-c", MAKE_ONE], capture_output=True, text=True, check=True
        )
        child_folder = Path(child.stdout.strip())
        assert [own.parent, child_folder.parent] == [Path(folder)] * 2
        assert own.is_dir()
        assert child_folder.is_dir()
    assert not Path(folder).exists()
    assert (tempfile.gettempdir(), os.environ.get("TMPDIR")) == before


def test_a_failure_leaves_nothing_either(monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    with pytest.raises(ZeroDivisionError), use_temporary_folder() as folder:
        raise ZeroDivisionError
    assert not Path(folder).exists()
    assert "TMPDIR" not in os.environ
