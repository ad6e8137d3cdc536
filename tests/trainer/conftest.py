"""A tiny data set, created once per session, and a tiny registered model."""

from pathlib import Path

import pytest

from trainer import models


@pytest.fixture(scope="session")
def small_data(tmp_path_factory) -> Path:
    from tests.trainer.small_run import write_data

    folder = tmp_path_factory.mktemp("small")
    write_data(folder)
    return folder


@pytest.fixture
def tiny_model(monkeypatch) -> None:
    monkeypatch.setitem(models.MODELS, "tiny", "tests.trainer.small_run")
