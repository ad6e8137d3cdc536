"""Checkpoints, pushed models and accepted statistics in an object store instead of a folder."""

import logging
from pathlib import Path

import pytest
from google.protobuf import json_format
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts

from components.baseline_model.selection import select_baseline
from components.example_validator.accepted_statistics import AcceptedStatistics
from components.pusher.component import Executor as Pusher
from data.storage import files
from data.storage.object_store import StoreError
from data.storage.tfx_plugin import register_object_stores
from tests.object_store import STORES, keys_for, no_store, object_store
from tests.trainer.small_run import CLASSES, HEIGHT, WIDTH, build, make_settings, train
from trainer.export.model_card import read_model_card, write_model_card
from trainer.export.pushed_models import list_pushed_models
from trainer.fitting.starting_weights import find_newest_fitting, load_starting_weights

pytestmark = pytest.mark.usefixtures("tiny_model")

KEPT = "minio://mlpipeline/kept"


@pytest.fixture(scope="module", params=STORES)
def store(request):
    register_object_stores()
    with object_store(request.param):
        yield


@pytest.fixture(autouse=True)
def folder(store):
    yield
    if files.exists(KEPT):
        files.remove_folder(KEPT)


class Killed(BaseException):
    """Ends training like a kill: no code catches it."""


class Killer(logging.Handler):
    """Raises when the training log reports epoch 3 of 5."""

    def emit(self, record):
        if record.getMessage().startswith("epoch 3/5"):
            raise Killed


def push(output: Path, version: int, monkeypatch) -> str:
    """Push a trained model with the Pusher, and return its address."""
    model, blessing, pushed = (
        kind()
        for kind in (
            standard_artifacts.Model,
            standard_artifacts.ModelBlessing,
            standard_artifacts.PushedModel,
        )
    )
    model.uri, blessing.uri = str(output), str(output / "blessing")
    pushed.uri = str(output / "pushed")
    blessing.set_int_custom_property("blessed", 1)
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=f"{KEPT}/serving")
    )
    with monkeypatch.context() as patch:
        # The version is the time of the push.
        patch.setattr("time.time", lambda: version)
        Pusher().Do(
            {"model": [model], "model_blessing": [blessing]},
            {"pushed_model": [pushed]},
            {"push_destination": json_format.MessageToJson(destination)},
        )
    return pushed.get_string_custom_property("pushed_destination")


@pytest.mark.slow
def test_killed_training_resumes_from_the_bucket(small_data, tmp_path, monkeypatch):
    whole = train(small_data, tmp_path / "whole")
    logger = logging.getLogger("radio_signals")
    killer = Killer()
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.addHandler(killer)
    try:
        with pytest.raises(Killed):
            train(small_data, tmp_path / "killed", checkpoint_dir=f"{KEPT}/checkpoints")
    finally:
        logger.removeHandler(killer)
    names = files.list_folder(f"{KEPT}/checkpoints")
    assert [name.split("-")[2] for name in names] == ["1", "2"], "of the first two epochs"

    resumed = train(small_data, tmp_path / "resumed", checkpoint_dir=f"{KEPT}/checkpoints")
    assert resumed["model_id"] == whole["model_id"], "a digest of all weights"
    assert resumed["training"]["resumed_after_epochs"] == [2]
    assert files.list_folder(f"{KEPT}/checkpoints") == [], (
        "the checkpoints are removed when training is complete"
    )


def test_if_the_store_does_not_answer_no_message_says_to_delete_a_checkpoint(small_data, tmp_path):
    with no_store(), pytest.raises(StoreError, match=r"in the store http://127.0.0.1:9"):
        train(small_data, tmp_path, checkpoint_dir=f"{KEPT}/checkpoints")


@pytest.mark.slow
def test_keys_for_one_folder_of_the_bucket_are_enough(small_data, tmp_path, monkeypatch):
    with keys_for("kept"):
        card = train(small_data, tmp_path, epochs=2, checkpoint_dir=f"{KEPT}/checkpoints")
        assert not any(names for *_, names in files.walk(f"{KEPT}/checkpoints"))
        pushed = push(tmp_path, 1700000000, monkeypatch)
        assert [model.path for model in list_pushed_models(f"{KEPT}/serving")] == [pushed]
        assert read_model_card(pushed) == card


def test_a_model_can_be_pushed_to_the_bucket_and_read_from_it(small_data, tmp_path, monkeypatch):
    assert list_pushed_models(f"{KEPT}/serving") == []
    card = train(small_data, tmp_path, epochs=1)
    pushed = push(tmp_path, 1700000000, monkeypatch)
    assert pushed == f"{KEPT}/serving/1700000000"
    exported = tmp_path / "Format-Serving"
    exported_files = {
        path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()
    }
    assert exported_files == {
        f"{folder}/{name}".removeprefix(pushed).lstrip("/")
        for folder, _, names in files.walk(pushed)
        for name in names
    }
    # An unfinished push lacks the file that is written last.
    write_model_card(f"{KEPT}/serving/1800000000", card)
    assert [model.version for model in list_pushed_models(f"{KEPT}/serving")] == [1700000000]
    assert select_baseline(f"{KEPT}/serving", card | {"model_id": "candidate"}).card == card
    assert select_baseline(f"{KEPT}/serving", card) is None, "no model is its own baseline"

    model = build(HEIGHT, WIDTH, len(CLASSES))
    fitting, _ = find_newest_fitting(f"{KEPT}/serving", model, list(CLASSES), card["normalise"])
    assert fitting.path == pushed
    start = load_starting_weights(model, make_settings(warm_start_from=f"{KEPT}/serving"))
    assert (start.path, start.identity) == (pushed, card["model_id"])


def test_statistics_of_accepted_data_are_kept_in_the_bucket():
    accepted = AcceptedStatistics(f"{KEPT}/accepted_statistics")
    assert accepted.list_spans() == []
    for span in (3, 12):
        statistics = DatasetFeatureStatisticsList()
        statistics.datasets.add(num_examples=span)
        accepted.accept(span, statistics)
    accepted.accept(12, statistics)
    assert accepted.list_spans() == [3, 12]
    span, newest = accepted.find_newest_before(12)
    assert (span, newest.datasets[0].num_examples) == (3, 3)
    assert files.list_folder(f"{KEPT}/accepted_statistics/span-12/Split-train") == [
        "FeatureStats.pb"
    ]
