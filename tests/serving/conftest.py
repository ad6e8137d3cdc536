"""Two small exported models, their answers, and servers of them as processes of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from tests.serving.server import Server
from tests.serving.small_models import write_models
from trainer.export.pushed_models import copy_model


class Models:
    """Two exported models of the same classes, images, and what the models answer to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.levels = np.load(folder / "levels.npy")
        self.spectrograms = (self.levels / 255).astype(np.float32)
        self.answers = {
            number: dict(np.load(folder / f"answers-{number}.npz")) for number in (1, 2)
        }

    def push(self, number: int, serving: Path, version: int) -> Path:
        """Put a model into a serving folder, as the Pusher does."""
        copy_model(str(self.folder / f"model-{number}"), str(serving / str(version)))
        return serving / str(version)


@pytest.fixture(scope="session")
def models(tmp_path_factory, worker_id) -> Models:
    """Made once by whichever test process needs them first."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder if worker_id == "master" else folder.parent) / "small-models"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            write_models(folder)
    return Models(folder)


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Iterator[Callable[..., Server]]:
    """A function that starts a server; it ends with the module."""
    servers = []

    def start(serving: Path, *options: str) -> Server:
        servers.append(Server(serving, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()
