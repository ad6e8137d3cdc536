"""Steps run one at a time, and ML Metadata keeps how long they took and which were cached."""

from pathlib import Path

import pytest
from ml_metadata import metadata_store
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration.pipeline import Pipeline
from tfx.types.standard_artifacts import Schema

from pipeline.history.digests import Digests
from pipeline.history.records import StepRecord, create_metadata, read_runs, read_steps
from pipeline.local.stepwise_runner import StepwiseRunner


@component
def Writer(schema: OutputArtifact[Schema]):  # noqa: N802 - TFX names the node after it
    Path(schema.uri, "text").write_text("hello")


@component
def Reader(schema: InputArtifact[Schema], copy: OutputArtifact[Schema]):  # noqa: N802 - as above
    text = Path(schema.uri, "text").read_text()
    if Path(schema.uri, "broken").exists():
        raise ValueError("broken")
    Path(copy.uri, "text").write_text(text)


@pytest.fixture
def connection(tmp_path):
    connection = create_metadata(str(tmp_path))
    metadata_store.MetadataStore(connection)
    return connection


def run(tmp_path, connection):
    """Run the two steps and return the reported events."""
    writer = Writer()
    reader = Reader(schema=writer.outputs["schema"])
    pipeline = Pipeline(
        pipeline_name="two-steps",
        pipeline_root=str(tmp_path / "artifacts"),
        components=[writer, reader],
        metadata_connection_config=connection,
        enable_cache=True,
    )
    events = []
    run_id = f"2026-01-02T03:04:{len(read_runs(connection)):02}"
    digests = Digests(str(tmp_path))
    StepwiseRunner(connection, run_id, digests, events.append, events.append).run(pipeline)
    return events


def test_the_start_and_the_record_of_each_step_are_reported_in_order(tmp_path, connection):
    started, writer, also_started, reader = run(tmp_path, connection)
    assert (started, also_started) == ("Writer", "Reader")
    assert [(each.step, each.cached) for each in (writer, reader)] == [
        ("Writer", False),
        ("Reader", False),
    ]
    assert 0 < writer.seconds < 30


def test_all_steps_belong_to_one_run_and_the_next_run_takes_them_from_the_cache(
    tmp_path, connection
):
    run(tmp_path, connection)
    events = run(tmp_path, connection)
    first, second = read_runs(connection)
    assert first.run_id < second.run_id
    assert len(first.artifacts["Schema"]) == 2
    assert first.artifacts == second.artifacts
    assert not any(step.cached for step in read_steps(connection, first.run_id).values())
    steps = read_steps(connection, second.run_id)
    assert [step.step for step in steps.values()] == ["Writer", "Reader"]
    assert all(step.cached for step in steps.values())
    assert [event for event in events if isinstance(event, StepRecord)] == list(steps.values())


@pytest.mark.parametrize("content", ["", "x", None], ids=["emptied", "changed", "removed"])
def test_a_step_whose_cached_output_is_damaged_runs_again(tmp_path, connection, caplog, content):
    run(tmp_path, connection)
    artifact = read_runs(connection)[0].artifacts["Schema"][0]
    file = Path(artifact, "text")
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    _, writer, _, reader = run(tmp_path, connection)
    assert (writer.cached, reader.cached) == (False, False)
    (copy,) = reader.outputs
    assert Path(copy, "text").read_text() == "hello"
    assert [record.getMessage() for record in caplog.records if "damaged" in record.message] == [
        f"{file} is damaged, so its step runs again"
    ]
    _, writer, _, reader = run(tmp_path, connection)
    assert (writer.cached, reader.cached) == (True, True)


@pytest.mark.parametrize("content", ["{", None], ids=["damaged", "lost"])
def test_lost_digests_are_made_anew(tmp_path, connection, content):
    run(tmp_path, connection)
    (tmp_path / "digests.json").unlink()
    if content:
        (tmp_path / "digests.json").write_text(content)
    _, writer, _, _ = run(tmp_path, connection)
    assert writer.cached
    artifact = read_runs(connection)[0].artifacts["Schema"][0]
    Path(artifact, "text").write_text("changed")
    _, writer, _, _ = run(tmp_path, connection)
    assert not writer.cached
