"""A compiled package, made once by the command that users have."""

from pathlib import Path

import pytest
import yaml

from tests.kubeflow.compiled import EVERYTHING, compiled


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """A package with everything that can be configured."""
    return compiled(tmp_path_factory.mktemp("package"), *EVERYTHING)


@pytest.fixture(scope="session")
def documents(package) -> list[dict]:
    return list(yaml.safe_load_all(package.read_text()))
