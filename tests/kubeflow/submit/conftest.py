"""An installation on 127.0.0.1, and the command in this process."""

import os
import sys

import pytest

from pipeline.cli import main as cli
from tests.kubeflow.api_server import ApiServer, Installation
from tests.kubeflow.submit.packages import write_package


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch, tmp_path):
    for name in os.environ:
        if name.startswith(("KF_PIPELINES_", "KUBERNETES_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("pipeline.kubeflow.submit.status._FIRST_PAUSE", 0.01)


@pytest.fixture
def installation():
    with ApiServer(Installation()) as one:
        yield one


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path)


@pytest.fixture
def submit(monkeypatch, capsys):
    """Runs the command in this process; returns exit status, output and error output."""

    def run(*arguments):
        command = ["radio-signals", "submit", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run
