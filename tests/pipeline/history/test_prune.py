"""What is removed from an output folder, and what never is."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from pipeline.cli.main import cli
from pipeline.history.prune import Limits, find_removals, measure_freed_bytes
from pipeline.history.records import create_metadata
from pipeline.local.output_folder import lock_output

MODEL_BYTES = 1 << 20


@pytest.fixture
def output(tmp_path) -> Path:
    """Five nightly runs: each reads the same examples, trains a model and pushes it."""
    output = tmp_path / "runs"
    store = metadata_store.MetadataStore(create_metadata(str(output)))
    types = {
        name: store.put_artifact_type(metadata_store_pb2.ArtifactType(name=name))
        for name in ("Examples", "Model", "PushedModel", "RunReport")
    }
    run_type = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline_run"))
    examples = add_artifact(store, types["Examples"], output, "ExampleGen/examples/1")
    for night in range(1, 6):
        (run,) = store.put_contexts(
            [metadata_store_pb2.Context(type_id=run_type, name=f"2026-01-0{night}T03:00:00")]
        )
        made = [
            add_artifact(store, types[name], output, f"{step}/{key}/{night * 10}")
            for name, step, key in (
                ("Model", "Trainer", "model"),
                ("PushedModel", "Pusher", "pushed_model"),
                ("RunReport", "Report", "report"),
            )
        ]
        store.put_attributions_and_associations(
            [
                metadata_store_pb2.Attribution(artifact_id=artifact, context_id=run)
                for artifact in (examples, *made)
            ],
            [],
        )
        model = output / "artifacts" / f"Trainer/model/{night * 10}/saved_model.pb"
        model.write_bytes(os.urandom(MODEL_BYTES))
        for folder in (
            output / "serving" / str(night),
            model.parents[3] / f"Pusher/pushed_model/{night * 10}",
        ):
            folder.mkdir(parents=True, exist_ok=True)
            os.link(model, folder / model.name)
        (output / "logs").mkdir(exist_ok=True)
        (output / "logs" / f"{night}.log").write_text("log")
        os.utime(output / "logs" / f"{night}.log", (night, night))
    # A step that was killed left its folder, of which ML Metadata has no artifact.
    (output / "artifacts" / "Trainer" / "model" / "35").mkdir()
    return output


def add_artifact(store, type_id: int, output: Path, name: str) -> int:
    path = output / "artifacts" / name
    path.mkdir(parents=True)
    (artifact,) = store.put_artifacts([metadata_store_pb2.Artifact(type_id=type_id, uri=str(path))])
    return artifact


def list_names(output: Path, removals) -> list[str]:
    return [f"{removal.kind} {removal.path.relative_to(output)}" for removal in removals]


def test_all_but_the_newest_runs_versions_and_logs_can_be_removed(output):
    removals = find_removals(str(output), Limits(runs=3, versions=2))
    assert list_names(output, removals) == [
        "artifacts artifacts/Pusher/pushed_model/10",
        "artifacts artifacts/Pusher/pushed_model/20",
        "artifacts artifacts/Report/report/10",
        "artifacts artifacts/Report/report/20",
        "artifacts artifacts/Trainer/model/10",
        "artifacts artifacts/Trainer/model/20",
        "artifacts artifacts/Trainer/model/35",
        "versions serving/1",
        "versions serving/2",
        "versions serving/3",
        "logs logs/1.log",
        "logs logs/2.log",
    ]


def test_space_is_free_once_the_last_hard_link_is_removed(output):
    paths = [removal.path for removal in find_removals(str(output), Limits(runs=3, versions=2))]
    models = [path for path in paths if "log" not in path.name]
    assert measure_freed_bytes(models) == 2 * MODEL_BYTES, "model 3 is still an artifact"


def test_the_served_model_the_one_before_and_the_newest_run_are_always_kept(output):
    removals = list_names(output, find_removals(str(output), Limits(runs=1, versions=0)))
    assert not [name for name in removals if "serving/5" in name or "serving/4" in name]
    assert not [name for name in removals if name.endswith(("/50", "examples/1"))]
    assert "artifacts artifacts/Trainer/model/40" in removals


def test_nothing_that_changed_lately_is_removed(output):
    removals = find_removals(str(output), Limits(runs=1, versions=2, days=1))
    assert list_names(output, removals) == [f"logs logs/{night}.log" for night in range(1, 5)]


def test_a_damaged_version_does_not_count_as_one_of_the_newest(output):
    damaged = output / "serving" / "5" / "assets.extra"
    damaged.mkdir()
    (damaged / "model.json").write_text("{")
    removals = list_names(output, find_removals(str(output), Limits(runs=5, versions=2)))
    assert [name for name in removals if name.startswith("versions")] == [
        "versions serving/1",
        "versions serving/2",
        "versions serving/5",
    ]


def prune(*arguments) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["prune", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_command_removes_only_with_yes_and_says_what_is_free(output):
    options = ("--output", output, "--keep-runs", 2, "--keep-versions", 2)
    status, text = prune(*options)
    assert status == 0
    assert "versions        3  " in text
    assert text.splitlines()[-1] == (
        "This would free 3.2 MB. Nothing was removed: add --yes to remove it."
    )
    assert (output / "serving" / "1").exists()
    status, text = prune(*options, "--yes")
    assert (status, text.splitlines()[-1]) == (0, "Removed. 3.2 MB are free.")
    assert sorted(os.listdir(output / "serving")) == ["4", "5"]
    assert sorted(os.listdir(output / "artifacts" / "Trainer" / "model")) == ["40", "50"]
    assert prune(*options) == (0, "There is nothing to remove.\n")


def test_a_folder_in_use_and_one_without_runs_are_refused(output, tmp_path):
    with lock_output(str(output)):
        result = CliRunner().invoke(cli, ["prune", "--output", str(output)])
    assert "Another run is writing to" in str(result.exception)
    status, text = prune("--output", tmp_path / "empty")
    assert status == 2
    assert "holds no runs" in text
