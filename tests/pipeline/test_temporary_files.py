"""What libraries leave in the temporary folder goes with the run."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline.local.temporary_files import own_temporary_folder

MAKE_ONE = "import tempfile; print(tempfile.mkdtemp())"


def test_what_this_process_and_its_children_leave_is_removed_at_the_end():
    before = tempfile.gettempdir(), os.environ.get("TMPDIR")
    with own_temporary_folder() as folder:
        here = Path(tempfile.mkdtemp())
        child = subprocess.run(
            [sys.executable, "-c", MAKE_ONE], capture_output=True, text=True, check=True
        )
        there = Path(child.stdout.strip())
        assert (here.parent, there.parent) == (Path(folder), Path(folder))
        assert here.is_dir() and there.is_dir()
    assert not Path(folder).exists()
    assert (tempfile.gettempdir(), os.environ.get("TMPDIR")) == before


def test_a_failure_leaves_nothing_either(monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    with pytest.raises(ValueError), own_temporary_folder() as folder:
        raise ValueError
    assert not Path(folder).exists()
    assert "TMPDIR" not in os.environ
