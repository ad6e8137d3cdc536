"""A compiled package, made once with the installed command."""

from pathlib import Path

import pytest
import yaml

from tests.kubeflow.compile_command import EVERYTHING, compile_package


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """A package compiled with `EVERYTHING`."""
    return compile_package(tmp_path_factory.mktemp("package"), *EVERYTHING)


@pytest.fixture(scope="session")
def documents(package) -> list[dict]:
    return list(yaml.safe_load_all(package.read_text()))
