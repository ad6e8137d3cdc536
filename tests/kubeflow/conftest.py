"""A compiled package, made once by a worker of the tests."""

from pathlib import Path

import pytest
import yaml

from tests.kubeflow.compile_command import EVERYTHING, compile_here


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """A package compiled with `EVERYTHING`."""
    return compile_here(tmp_path_factory.mktemp("package") / "pipeline.yaml", *EVERYTHING)


@pytest.fixture(scope="session")
def documents(package) -> list[dict]:
    return list(yaml.safe_load_all(package.read_text()))
