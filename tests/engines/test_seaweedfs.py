"""SeaweedFS is killed while a model is pushed into its bucket, and started again on its files.

All other tests on SeaweedFS are those on Moto's server, with another parameter.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import boto3
import pytest

import data.storage.object_store as object_store_module
from data.storage import files
from data.storage.object_store import StoreUnreachableError
from tests.engines.cluster import wait_until
from tests.engines.seaweedfs import SeaweedFS, seaweedfs
from tests.object_store import ACCESS_KEY, BUCKET, SECRET_KEY, use_store
from tests.trainer.export.card import TRAINER_CARD
from trainer.export.model_card import describe_files, find_damage, write_model_card
from trainer.export.pushed_models import (
    PushedModel,
    find_sound_models,
    list_pushed_models,
    push_model,
)

pytestmark = pytest.mark.engines

SERVING = f"minio://{BUCKET}/serving"
WEIGHTS, GRAPH = "variables/variables.data-00000-of-00001", "saved_model.pb"


@pytest.fixture
def store() -> Iterator[SeaweedFS]:
    with seaweedfs(ACCESS_KEY, SECRET_KEY) as store, use_store(store.address):
        yield store


@pytest.fixture
def push(tmp_path) -> Iterator:
    """A function that starts the push of a new model with this id."""

    def start(model_id: str) -> Future[PushedModel]:
        return threads.submit(push_model, str(write_model(tmp_path / model_id, model_id)), SERVING)

    with ThreadPoolExecutor(1) as threads:
        yield start


def write_model(folder: Path, model_id: str) -> Path:
    """Write the files of a SavedModel, whose weights are uploaded in several parts."""
    (folder / "variables").mkdir(parents=True)
    (folder / GRAPH).write_bytes(b"graph")
    (folder / WEIGHTS).write_bytes(model_id.encode() * 10_000_000)
    card = {**TRAINER_CARD, "model_id": model_id, "files": describe_files(str(folder))}
    write_model_card(str(folder), card)
    return folder


def kill_before(name: str, store: SeaweedFS, patch: pytest.MonkeyPatch) -> threading.Event:
    """Kill a store when a push is about to copy a file; return the event that it was."""
    killed, copy = threading.Event(), files.copy_file

    def copy_file(source: str, target: str) -> None:
        if target.endswith(name) and not killed.is_set():
            store.kill()
            killed.set()
        copy(source, target)

    patch.setattr(files, "copy_file", copy_file)
    return killed


def kill_within_upload(store: SeaweedFS) -> None:
    """Kill a store that has some, but not all, parts of a file."""
    client = boto3.client("s3", region_name="us-east-1")
    wait_until(
        lambda: client.list_multipart_uploads(Bucket=BUCKET).get("Uploads"), "an upload in parts"
    )
    store.kill()


def assert_readers_see_whole_models(pushing: Future[PushedModel]) -> None:
    """Read what is in the bucket as servers and the next run do, until the push has ended."""
    while not pushing.done():
        assert [find_damage(model.path) for model in list_pushed_models(SERVING)] in ([], [""])
        wait([pushing], 0.2)
    assert [model.path for model in find_sound_models(SERVING)] == [pushing.result().path]


@pytest.mark.parametrize("name", [WEIGHTS, GRAPH])
def test_a_store_that_is_killed_between_two_files_gets_the_rest_when_it_is_back(
    store, push, name, monkeypatch
):
    killed = kill_before(name, store, monkeypatch)
    pushing = push("first-model")
    assert killed.wait(60)
    store.start()
    assert_readers_see_whole_models(pushing)


def test_a_store_that_is_killed_within_a_file_gets_it_again_when_it_is_back(store, push):
    pushing = push("first-model")
    kill_within_upload(store)
    assert not pushing.done()
    store.start()
    assert_readers_see_whole_models(pushing)

    second = push("second-model").result()
    assert second.version > pushing.result().version
    assert [model.path for model in find_sound_models(SERVING)] == [
        second.path,
        pushing.result().path,
    ]


def test_a_push_into_a_store_that_stays_away_fails_and_leaves_no_version(store, push, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(object_store_module, "_DEADLINE_SECONDS", 10)
        killed = kill_before(GRAPH, store, patch)
        pushing = push("first-model")
        assert killed.wait(60)
        with pytest.raises(StoreUnreachableError) as failure:
            pushing.result()
    message = str(failure.value)
    assert message.startswith(f"{SERVING}/")
    assert f"/{GRAPH} in the store {store.address}: " in message
    assert "Set AWS_ENDPOINT_URL to the address of the store" in message

    store.start()
    (unfinished,) = files.list_folder(SERVING)
    assert files.list_folder(f"{SERVING}/{unfinished}") == ["assets.extra", "variables"]
    assert list_pushed_models(SERVING) == []
    pushed = push("second-model").result()
    assert pushed.version > int(unfinished)
    assert [model.path for model in find_sound_models(SERVING)] == [pushed.path]
