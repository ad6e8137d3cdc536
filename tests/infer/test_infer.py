"""Large inputs: a Beam pipeline writes the answers as Parquet, and ML Metadata knows of it."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from click import UsageError
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from data.invalid import InvalidData
from pipeline.classify.find_model import find_model
from pipeline.cli.main import cli
from pipeline.history.records import connect_to_metadata, create_metadata
from tests.classify.conftest import greys  # noqa: F401 - a fixture
from tests.classify.test_images import ORDER, write_csv, write_data_folder, write_npy
from trainer.export.model_card import read_model_card, write_model_card


@pytest.fixture
def runs(tmp_path, greys):  # noqa: F811 - the fixture
    """The output folder of a run, whose Pusher recorded the model."""
    folder = shutil.copytree(greys, tmp_path / "runs")
    store = metadata_store.MetadataStore(create_metadata(str(folder)))
    pushed = mlmd.Artifact(
        type_id=store.put_artifact_type(mlmd.ArtifactType(name="PushedModel")),
        uri="artifacts/Pusher/pushed_model/9",
    )
    pushed.custom_properties["pushed_destination"].string_value = str(folder / "serving" / "7")
    store.put_artifacts([pushed])
    return folder


def infer(*arguments):
    cli.main(["infer", *map(str, arguments)], standalone_mode=False)


def test_the_answers_are_those_of_classify(tmp_path, runs):
    write_data_folder(tmp_path / "data")
    write_npy(tmp_path / "data" / "more.npy")
    inputs = [tmp_path / "data", tmp_path / "data" / "more.npy"]
    infer(*inputs, "--model", runs, "--output", tmp_path / "out")
    answers = pd.read_parquet(tmp_path / "out").sort_values(["source", "row"], ignore_index=True)

    arguments = ["classify", *map(str, inputs), "--model", str(runs)]
    cli.main([*arguments, "--output", str(tmp_path / "out.parquet")], standalone_mode=False)
    expected = pd.read_parquet(tmp_path / "out.parquet")
    expected = expected.sort_values(["source", "row"], ignore_index=True)
    pd.testing.assert_frame_equal(answers, expected, atol=1e-6)
    assert len(answers) == 2 * len(ORDER)


def test_rows_are_numbered_through_the_chunks_of_a_file(tmp_path, runs, monkeypatch):
    monkeypatch.setattr("data.reading.text.RANGE_BYTES", 2000)
    write_csv(tmp_path / "a.csv", labels=True, header=True)
    infer(tmp_path / "a.csv", "--model", runs, "--output", tmp_path / "out")
    answers = pd.read_parquet(tmp_path / "out").sort_values("row")
    assert list(answers["row"]) == [2, 3, 4, 5, 6]
    assert list(answers["class"]) == list(answers["label"]) == ORDER


def test_ml_metadata_leads_from_the_answers_to_the_model(tmp_path, runs, capsys):
    infer(write_npy(tmp_path / "a.npy"), "--model", runs, "--output", tmp_path / "out")
    store = metadata_store.MetadataStore(connect_to_metadata(str(runs)))
    (execution,) = store.get_executions_by_type("RunInference")
    (result,) = store.get_artifacts_by_type("InferenceResult")
    (pushed,) = store.get_artifacts_by_type("PushedModel")
    events = store.get_events_by_execution_ids([execution.id])
    assert {(event.artifact_id, event.type) for event in events} == {
        (pushed.id, mlmd.Event.INPUT),
        (result.id, mlmd.Event.OUTPUT),
    }
    assert result.uri == str(tmp_path / "out")
    assert execution.last_known_state == mlmd.Execution.COMPLETE
    facts = {
        "model": str(runs / "serving" / "7"),
        "model_id": "hand-made",
        "input": str(tmp_path / "a.npy"),
        "images": 5,
        "bad_rows": 0,
        "shards": 1,
    }
    assert json.loads((tmp_path / "out" / "_inference.json").read_text()) == facts
    assert execution.custom_properties["images"].int_value == 5
    assert f"lineage  execution {execution.id} in {runs}/metadata.sqlite" in capsys.readouterr().out


def test_bad_rows_refuse_the_input_or_are_left_out(tmp_path, runs):
    lines = write_csv(tmp_path / "a.csv").read_text().splitlines()
    lines[1] = "1,2"
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    arguments = (tmp_path / "a.csv", "--model", runs, "--output", tmp_path / "out")
    with pytest.raises(InvalidData) as error:
        infer(*arguments)
    assert str(error.value) == (
        f"Bad rows, 1 in all:\n  {tmp_path}/a.csv, row 2: 2 values where 384 are expected.\n"
        "Correct them, or leave them out: --max-bad-rows 1."
    )
    assert not (tmp_path / "out").exists()
    infer(*arguments, "--max-bad-rows", 1)
    assert sorted(pd.read_parquet(tmp_path / "out")["row"]) == [1, 3, 4, 5]


def test_answers_are_not_overwritten_unless_asked_to(tmp_path, runs):
    arguments = ("--model", runs, "--output", tmp_path / "out")
    infer(write_npy(tmp_path / "a.npy"), *arguments)
    with pytest.raises(UsageError, match="already exists"):
        infer(tmp_path / "a.npy", *arguments)
    infer(write_npy(tmp_path / "b.npy"), *arguments, "--overwrite")
    assert set(pd.read_parquet(tmp_path / "out")["source"]) == {str(tmp_path / "b.npy")}


def test_a_model_that_was_pushed_without_a_blessing_is_passed_over(tmp_path, runs):
    forced = shutil.copytree(runs / "serving" / "7", runs / "serving" / "8")
    card = read_model_card(str(forced))
    write_model_card(str(forced), {**card, "force_push_reason": "a test"})
    assert find_model(str(runs)).version == 8
    assert find_model(str(runs), blessed=True).version == 7
    shutil.rmtree(runs / "serving" / "7")
    with pytest.raises(InvalidData) as error:
        find_model(str(runs), blessed=True)
    assert str(error.value) == (
        f"{runs}/serving holds no model that can be used: all 1 versions are damaged or were "
        "pushed without a blessing. Train and push another one with: radio-signals run --data DIR"
    )


@pytest.mark.slow
def test_worker_processes_give_the_same_answers(tmp_path, runs):
    levels = np.random.default_rng(0).integers(0, 256, (600, 16, 24), np.uint8)
    write_npy(tmp_path / "a.npy", levels)
    arguments = (tmp_path / "a.npy", "--model", runs, "--output")
    infer(*arguments, tmp_path / "one")
    workers = "--runner=FnApiRunner --direct_running_mode=multi_processing --direct_num_workers=2"
    infer(*arguments, tmp_path / "two", "--beam-args", workers)
    one, two = (
        pd.read_parquet(tmp_path / name).sort_values("row", ignore_index=True)
        for name in ("one", "two")
    )
    pd.testing.assert_frame_equal(one, two, atol=1e-6)
    assert len(os.listdir(tmp_path / "two")) >= 3
