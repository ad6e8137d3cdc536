"""A compiled package, run task by task as Kubeflow runs it, beside the same pipeline run here.

Data are in a mounted volume, and models are pushed to the object store.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.pipeline_runs import SMALL
from tests.kubeflow.compiled import compiled
from tests.kubeflow.installation import Installation, RunResult
from tests.object_store import object_store
from trainer.export.pushed_models import pushed_models

pytestmark = pytest.mark.slow

KEPT = "minio://mlpipeline/kept"


@pytest.fixture(scope="module")
def volume(tmp_path_factory, small_data) -> Path:
    """What is mounted: the data."""
    folder = tmp_path_factory.mktemp("volume")
    (folder / "data").symlink_to(small_data)
    return folder


@pytest.fixture(scope="module")
def package(volume, tmp_path_factory) -> Path:
    return compiled(
        tmp_path_factory.mktemp("package"),
        f"--set=kubeflow.volumes={{{volume}: claim}}",
        *SMALL,
        serving=f"{KEPT}/serving",
        data=str(volume / "data"),
    )


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> Iterator[Installation]:
    with object_store() as environment:
        yield Installation(tmp_path_factory.mktemp("kubeflow"), environment)


@pytest.fixture(scope="module")
def first(installation, package) -> RunResult:
    run = installation.run(package)
    print(run.table())
    assert run.succeeded, list(run.tasks.values())[-1].log[-3000:]
    return run


@pytest.fixture(scope="module")
def second(installation, package, first) -> RunResult:
    """Another, with an epoch more."""
    run = installation.run(package, {"epochs": 5, "accuracy_threshold": 0.3})
    print(run.table())
    assert run.succeeded, list(run.tasks.values())[-1].log[-3000:]
    return run


def report_of(installation: Installation, run: RunResult) -> dict:
    folder = installation.path(run.tasks["report"].outputs["report"]["uri"])
    return json.loads((folder / "metrics.json").read_text())


def card(model: Path) -> dict:
    return json.loads((model / "assets.extra" / "model.json").read_text())


def test_every_output_is_in_the_bucket(installation, first):
    for name, task in first.tasks.items():
        assert (task.state, task.attempts) == ("SUCCEEDED", 1)
        # Of what is empty a bucket holds nothing. A first run has no baseline, Transform's cache is
        # off, and figures are in the metadata store alone.
        assert task.missing == {
            "baseline-model": ["baseline"],
            "transform": ["updated_analyzer_cache"],
            "report": ["metrics"],
        }.get(name, [])
        for output, artifact in task.outputs.items():
            assert artifact["uri"].startswith("minio://mlpipeline/v2/artifacts/radio-signals/")
            assert output in task.missing or installation.path(artifact["uri"]).exists()


def test_figures_weights_and_data_are_those_of_a_run_on_this_machine(
    installation, first, first_run
):
    here, there = first_run.metrics, report_of(installation, first)
    for key in ("accuracy", "classes", "confusion_matrix", "averages", "intervals", "slices"):
        assert there[key] == here[key]
    assert there["data_fingerprint"] == here["data_fingerprint"]
    # Others come with further runs.
    pushed, *_ = pushed_models(f"{KEPT}/serving")
    assert pushed.card["model_id"] == card(Path(here["pushed_to"]))["model_id"]
    assert there["pushed_to"] == pushed.path


def test_no_path_of_a_pod_is_left_in_what_is_recorded(first):
    recorded = json.dumps([task.outputs for task in first.tasks.values()])
    assert "/pods/" not in recorded
    blessing = first.tasks["evaluator"].outputs["blessing"]["metadata"]
    assert blessing["current_model"] == first.tasks["trainer"].outputs["model"]["uri"]


def test_kubeflows_pages_show_report_and_figures(installation, first):
    outputs = first.tasks["report"].outputs
    page = installation.path(outputs["page"]["uri"]).read_text()
    assert page == (installation.path(outputs["report"]["uri"]) / "report.html").read_text()
    assert "Blessed." in page
    figures, metrics = outputs["metrics"]["metadata"], report_of(installation, first)
    assert figures["accuracy"] == metrics["accuracy"]
    assert figures["recall noise"] == metrics["classes"]["noise"]["recall"]


@pytest.mark.long
def test_a_second_run_finds_the_firsts_model_as_its_baseline(installation, first, second):
    baseline = installation.path(second.tasks["baseline-model"].outputs["baseline"]["uri"])
    model = installation.path(first.tasks["trainer"].outputs["model"]["uri"])
    (of_baseline, of_model) = (card(folder / "Format-Serving") for folder in (baseline, model))
    assert of_baseline["model_id"] == of_model["model_id"]
    found = report_of(installation, second)
    assert found["baseline"]["accuracy"] == report_of(installation, first)["accuracy"]


@pytest.mark.long
def test_parameters_of_a_run_reach_every_step_that_they_matter_to(installation, second):
    found = report_of(installation, second)
    assert found["training"]["epochs"] == 5
    assert found["configuration"]["epochs"] == 5
    assert found["configuration"]["thresholds.accuracy"] == 0.3


@pytest.mark.long
def test_steps_that_nothing_changed_for_are_answered_from_the_cache(second):
    states = {name: task.state for name, task in second.tasks.items()}
    # Ingest looks at the data each time, and what it makes has another name each time.
    assert states["schema"] == "CACHED"
    assert states["spectrogram-example-gen"] == states["trainer"] == "SUCCEEDED"


def test_data_in_the_bucket_are_copied_by_the_launcher(installation, first, small_data, tmp_path):
    address = "minio://data/nightly"
    shutil.copytree(small_data, installation.path(address))
    package = compiled(tmp_path, *SMALL, steps=11, data=address)
    run = installation.run(package, until="spectrogram-example-gen")
    assert run.succeeded, list(run.tasks.values())[-1].log[-3000:]
    (examples, of_volume) = (
        of.tasks["spectrogram-example-gen"].outputs["examples"]["metadata"] for of in (run, first)
    )
    assert examples["source"] == f"{address} (SIMULATED: preset basic, seed 0)"
    assert examples["input_fingerprint"] == of_volume["input_fingerprint"]


def test_bad_data_end_the_run_with_file_row_and_remedy_in_the_log(installation, package, volume):
    folder = volume / "bad"
    for split in ("train", "validation"):
        (folder / split).mkdir(parents=True)
        for file in (volume / "data" / split).iterdir():
            lines = file.read_text().splitlines()
            if file.name == "images.csv" and split == "train":
                lines[6] = lines[6].replace("0.", "x.", 1)
            (folder / split / file.name).write_text("\n".join(lines) + "\n")
    run = installation.run(package, {"data": str(folder)})
    failed = run.tasks["spectrogram-example-gen"]
    assert (failed.state, failed.attempts) == ("FAILED", 3)
    assert f"{folder}/train/images.csv, row 7, column 1" in failed.log
    # The message is the end of the log, for that is what Kubeflow's page shows.
    assert failed.log.rstrip().splitlines()[-1].startswith(("Error:", f"{folder}/"))
    assert "trainer" not in run.tasks
