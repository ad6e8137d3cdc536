"""A fake API server, and the command in this process."""

import os
import sys

import pytest

from pipeline.cli import main as cli
from tests.kubeflow.fake_api_server import FakeApi, FakeApiServer
from tests.kubeflow.submit.packages import write_package


@pytest.fixture(autouse=True)
def isolate_from_this_machine(monkeypatch, tmp_path):
    for name in os.environ:
        if name.startswith(("KF_PIPELINES_", "KUBERNETES_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("pipeline.kubeflow.submit.follow_run._FIRST_PAUSE", 0.01)


@pytest.fixture
def api():
    with FakeApiServer(FakeApi()) as fake:
        yield fake


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path)


@pytest.fixture
def submit(monkeypatch, capsys):
    """A function that runs the command here and returns status, output and error output."""

    def run(*arguments):
        command = ["radio-signals", "submit", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        output = capsys.readouterr()
        return ended.value.code, output.out, output.err

    return run
