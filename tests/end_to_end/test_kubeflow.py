"""A compiled package gives the results of a local run when its tasks run as in Kubeflow.

The data are in a mounted volume, and models are pushed to an object store.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.support.pipeline_runs import SMALL
from tests.kubeflow.compile_command import compile_package
from tests.kubeflow.fake_installation import FakeInstallation, RunResult
from tests.object_store import STORES, object_store
from trainer.export.pushed_models import list_pushed_models

pytestmark = pytest.mark.slow

KEPT = "minio://mlpipeline/kept"


@pytest.fixture(scope="module")
def volume(tmp_path_factory, small_data) -> Path:
    """The mounted volume with the data."""
    folder = tmp_path_factory.mktemp("volume")
    (folder / "data").symlink_to(small_data)
    return folder


@pytest.fixture(scope="module")
def package(volume, tmp_path_factory) -> Path:
    return compile_package(
        tmp_path_factory.mktemp("package"),
        f"--set=kubeflow.volumes={{{volume}: claim}}",
        *SMALL,
        serving=f"{KEPT}/serving",
        data=str(volume / "data"),
    )


@pytest.fixture(scope="module", params=STORES)
def installation(request, tmp_path_factory) -> Iterator[FakeInstallation]:
    with object_store(request.param) as environment:
        yield FakeInstallation(tmp_path_factory.mktemp("kubeflow"), environment)


@pytest.fixture(scope="module")
def first(installation, package) -> RunResult:
    run = installation.run(package)
    print(run.format_table())
    assert run.succeeded, run.end_of_log
    return run


@pytest.fixture(scope="module")
def second(installation, package, first) -> RunResult:
    """A second run, with one epoch more."""
    run = installation.run(package, {"epochs": 5, "accuracy_threshold": 0.3})
    print(run.format_table())
    assert run.succeeded, run.end_of_log
    return run


def read_metrics(installation: FakeInstallation, run: RunResult) -> dict:
    folder = installation.path(run.tasks["report"].outputs["report"]["uri"])
    return json.loads((folder / "metrics.json").read_text())


def read_model_card(model: Path) -> dict:
    return json.loads((model / "assets.extra" / "model.json").read_text())


def test_every_output_is_in_the_bucket(installation, first):
    for name, task in first.tasks.items():
        assert (task.state, task.attempts) == ("SUCCEEDED", 1)
        # A bucket has no empty folders. A first run has no baseline, the cache of Transform is off,
        # and metrics are only in the metadata store.
        assert task.missing == {
            "baseline-model": ["baseline"],
            "transform": ["updated_analyzer_cache"],
            "report": ["metrics"],
        }.get(name, [])
        for output, artifact in task.outputs.items():
            assert artifact["uri"].startswith("minio://mlpipeline/v2/artifacts/radio-signals/")
            assert output in task.missing or installation.path(artifact["uri"]).exists()


def test_metrics_weights_and_data_are_those_of_a_run_on_this_machine(
    installation, first, first_run
):
    local, metrics = first_run.metrics, read_metrics(installation, first)
    for key in ("accuracy", "classes", "confusion_matrix", "averages", "intervals", "slices"):
        assert metrics[key] == local[key]
    assert metrics["data_fingerprint"] == local["data_fingerprint"]
    # Further runs push more models.
    pushed, *_ = list_pushed_models(f"{KEPT}/serving")
    assert pushed.card["model_id"] == read_model_card(Path(local["pushed_to"]))["model_id"]
    assert metrics["pushed_to"] == pushed.path


def test_recorded_artifacts_contain_no_path_of_a_pod(first):
    recorded = json.dumps([task.outputs for task in first.tasks.values()])
    assert "/pods/" not in recorded
    blessing = first.tasks["evaluator"].outputs["blessing"]["metadata"]
    assert blessing["current_model"] == first.tasks["trainer"].outputs["model"]["uri"]


def test_kubeflows_pages_show_report_and_metrics(installation, first):
    outputs = first.tasks["report"].outputs
    page = installation.path(outputs["page"]["uri"]).read_text()
    assert page == (installation.path(outputs["report"]["uri"]) / "report.html").read_text()
    assert "Blessed." in page
    shown, metrics = outputs["metrics"]["metadata"], read_metrics(installation, first)
    assert shown["accuracy"] == metrics["accuracy"]
    assert shown["recall noise"] == metrics["classes"]["noise"]["recall"]


@pytest.mark.long
def test_the_first_runs_model_is_the_baseline_of_the_second(installation, first, second):
    baseline = installation.path(second.tasks["baseline-model"].outputs["baseline"]["uri"])
    model = installation.path(first.tasks["trainer"].outputs["model"]["uri"])
    cards = [read_model_card(folder / "Format-Serving") for folder in (baseline, model)]
    assert cards[0]["model_id"] == cards[1]["model_id"]
    metrics = read_metrics(installation, second)
    assert metrics["baseline"]["accuracy"] == read_metrics(installation, first)["accuracy"]


@pytest.mark.long
def test_parameters_of_a_run_reach_every_step_that_uses_them(installation, second):
    metrics = read_metrics(installation, second)
    assert metrics["training"]["epochs"] == 5
    assert metrics["configuration"]["epochs"] == 5
    assert metrics["configuration"]["thresholds.accuracy"] == 0.3


@pytest.mark.long
def test_unchanged_steps_are_answered_from_the_cache(second):
    states = {name: task.state for name, task in second.tasks.items()}
    # SpectrogramExampleGen reads the data in each run, and its output has a new name each time.
    assert states["schema"] == "CACHED"
    assert states["spectrogram-example-gen"] == states["trainer"] == "SUCCEEDED"


def test_data_in_a_bucket_are_copied_by_the_launcher(installation, first, small_data, tmp_path):
    address = "minio://data/nightly"
    shutil.copytree(small_data, installation.path(address))
    package = compile_package(tmp_path, *SMALL, steps=11, data=address)
    run = installation.run(package, until="spectrogram-example-gen")
    assert run.succeeded, run.end_of_log
    examples, volume_examples = (
        result.tasks["spectrogram-example-gen"].outputs["examples"]["metadata"]
        for result in (run, first)
    )
    assert examples["source"] == f"{address} (SIMULATED: preset basic, seed 0)"
    assert examples["input_fingerprint"] == volume_examples["input_fingerprint"]


def test_bad_data_end_the_run_and_the_log_names_file_and_row(installation, package, volume):
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
    # Kubeflow's page shows the end of the log.
    assert failed.log.rstrip().splitlines()[-1].startswith(("Error:", f"{folder}/"))
    assert "trainer" not in run.tasks
