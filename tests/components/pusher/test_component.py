"""The Pusher on real folders: pushes are atomic and ordered, and a model is stored once."""

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import json_format
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts

from components.pusher.component import Executor
from data.storage.lease import LeaseHeldError, hold_lease
from tests.trainer.export.card import TRAINER_CARD
from trainer.export.model_card import describe_files, read_model_card, write_model_card
from trainer.export.pushed_models import find_sound_models, list_pushed_models

# A process that is killed while it copies the second file of a model.
KILLED_PUSH = """
import os, signal, sys
from trainer.export.pushed_models import push_model

def link(source, target, link=os.link):
    if "variables" in target:
        os.kill(os.getpid(), signal.SIGKILL)
    link(source, target)

os.link = link
push_model(*sys.argv[1:])
"""


@pytest.fixture
def model(tmp_path) -> Path:
    """A folder with the files of a SavedModel, in the output of a Trainer."""
    folder = tmp_path / "model" / "Format-Serving"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"index")
    write_model_card(str(folder), {**TRAINER_CARD, "files": describe_files(str(folder))})
    return folder


@pytest.fixture
def serving(tmp_path) -> Path:
    return tmp_path / "serving"


def push(model: Path, serving: Path, output: Path, blessed: bool = True, **config):
    candidate, blessing, pushed = (
        artifact()
        for artifact in (
            standard_artifacts.Model,
            standard_artifacts.ModelBlessing,
            standard_artifacts.PushedModel,
        )
    )
    candidate.uri, blessing.uri, pushed.uri = str(model.parent), str(output / "b"), str(output)
    blessing.set_int_custom_property("blessed", int(blessed))
    output.mkdir()
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(serving))
    )
    Executor().Do(
        {"model": [candidate], "model_blessing": [blessing]},
        {"pushed_model": [pushed]},
        {
            "push_destination": json_format.MessageToJson(destination),
            "custom_config": json.dumps(config),
        },
    )
    return pushed


def test_a_pushed_model_is_recorded_and_stored_once(model, serving, tmp_path):
    pushed = push(model, serving, tmp_path / "output")
    (version,) = os.listdir(serving)
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == version
    assert pushed.get_string_custom_property("pushed_destination") == str(serving / version)
    for copy in (serving / version, tmp_path / "output"):
        assert (copy / "saved_model.pb").samefile(model / "saved_model.pb")
        assert read_model_card(str(copy)) == read_model_card(str(model))


def test_a_model_that_is_not_blessed_is_not_pushed(model, serving, tmp_path):
    pushed = push(model, serving, tmp_path / "output", blessed=False)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not serving.exists()


def test_a_model_that_is_not_blessed_is_pushed_with_a_reason_which_its_card_keeps(
    model, serving, tmp_path
):
    pushed = push(
        model,
        serving,
        tmp_path / "output",
        blessed=False,
        force_push_reason="the old one is worse",
    )
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("force_push_reason") == "the old one is worse"
    (served,) = find_sound_models(str(serving))
    assert served.card["force_push_reason"] == "the old one is worse"
    page = Path(served.path, "assets.extra", "model_card.md").read_text()
    assert "put into service by force.** Reason: the old one is worse" in page
    assert "force_push_reason" not in read_model_card(str(model)), "the candidate is unchanged"


@pytest.mark.parametrize("clock", [1_800_000_000, 1_800_000_000 - 86_400], ids=["same", "back"])
def test_a_later_push_has_a_higher_version_whatever_the_clock_says(
    model, serving, tmp_path, monkeypatch, clock
):
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.5)
    push(model, serving, tmp_path / "first")
    write_model_card(str(model), {"model_id": "another"})
    monkeypatch.setattr("time.time", lambda: clock)
    push(model, serving, tmp_path / "second")
    versions = [model.version for model in list_pushed_models(str(serving))]
    assert versions == [1_800_000_000, 1_800_000_001]


def test_the_newest_model_is_not_pushed_again(model, serving, tmp_path):
    first, again = (push(model, serving, tmp_path / name) for name in ("first", "again"))
    assert again.get_string_custom_property(
        "pushed_destination"
    ) == first.get_string_custom_property("pushed_destination")
    assert os.listdir(serving) == [first.get_string_custom_property("pushed_version")]


def test_on_a_cluster_only_one_push_at_a_time_works_in_a_folder(model, serving, tmp_path):
    with (
        hold_lease(str(serving), "the Pusher on another machine", 60),
        pytest.raises(LeaseHeldError, match="the Pusher on another machine"),
    ):
        push(model, serving, tmp_path / "refused", hold_lease=True)
    pushed = push(model, serving, tmp_path / "output", hold_lease=True)
    assert pushed.get_string_custom_property("pushed_version") in os.listdir(serving)


def test_a_killed_push_leaves_no_version_and_the_next_push_removes_its_files(
    model, serving, tmp_path
):
    killed = subprocess.run([sys.executable, "-c", KILLED_PUSH, str(model), str(serving)])
    assert killed.returncode == -signal.SIGKILL
    (unfinished,) = os.listdir(serving)
    assert unfinished.startswith(".unfinished-"), "no server loads this as a version"
    pushed = push(model, serving, tmp_path / "output")
    assert os.listdir(serving) == [pushed.get_string_custom_property("pushed_version")]


DAMAGES = {
    "truncated graph": ("saved_model.pb", b"gra", "saved_model.pb is damaged"),
    "missing variables": (
        "variables/variables.index",
        None,
        "variables/variables.index is missing",
    ),
    "truncated card": ("assets.extra/model.json", b"{", "assets.extra/model.json is damaged"),
}


@pytest.mark.parametrize(("name", "content", "reason"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_version_is_left_out_with_a_warning(
    model, serving, tmp_path, caplog, name, content, reason
):
    sound = push(model, serving, tmp_path / "first").get_string_custom_property("pushed_version")
    damaged = serving / str(int(sound) + 1)
    subprocess.run(["cp", "-r", str(serving / sound), str(damaged)], check=True)
    (damaged / name).unlink()
    if content is not None:
        (damaged / name).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert [str(model.version) for model in find_sound_models(str(serving))] == [sound]
    assert [record.getMessage() for record in caplog.records] == [
        f"{damaged} is left out because {reason}. Remove this folder, so that no server loads it."
    ]
