"""A compiled package, made once by a worker of the tests."""

from pathlib import Path

import pytest
import yaml

from pipeline.cli.main import cli
from tests.kubeflow.compile_command import EVERYTHING, compile_arguments


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """A package compiled with `EVERYTHING`."""
    file = tmp_path_factory.mktemp("package") / "pipeline.yaml"
    cli.main(compile_arguments(file, *EVERYTHING), standalone_mode=False)
    return file


@pytest.fixture(scope="session")
def documents(package) -> list[dict]:
    return list(yaml.safe_load_all(package.read_text()))
