"""Whole runs that take longer: other models, schema, sizes, and repeatability."""

import hashlib

import pytest

from data.simulation.dataset import simulate_dataset
from tests.end_to_end.conftest import SMALL, run_pipeline

pytestmark = pytest.mark.slow


def digest(run) -> str:
    """Identity of the exported weights."""
    return hashlib.sha256(
        (run.output / "latest" / "weights" / "best.weights.h5").read_bytes()
    ).hexdigest()


def columns(run) -> list[str]:
    """The training log without its speed, which no seed fixes."""
    lines = (run.output / "latest" / "training_log.csv").read_text().splitlines()
    speed = lines[0].split(",").index("images_per_second")
    return [",".join(v for i, v in enumerate(line.split(",")) if i != speed) for line in lines]


def test_the_same_seed_gives_the_same_training_and_another_seed_another(
    small_data, first_run, tmp_path
):
    original = run_pipeline(small_data, first_run.output, *SMALL)
    again = run_pipeline(small_data, tmp_path / "again", *SMALL)
    other = run_pipeline(small_data, tmp_path / "other", *SMALL, "--seed=1")
    assert columns(again) == columns(original)
    assert again.metrics["confusion_matrix"] == original.metrics["confusion_matrix"]
    assert columns(other) != columns(original)


def test_training_goes_on_from_initial_weights(small_data, first_run, tmp_path):
    original = run_pipeline(small_data, first_run.output, *SMALL)
    weights = original.output / "latest" / "weights" / "best.weights.h5"
    warm = run_pipeline(
        small_data, tmp_path / "warm", *SMALL, "--epochs=1", f"--initial-weights={weights}"
    )
    assert warm.status == 0, warm.text
    cold_loss = float(
        columns(original)[1].split(",")[columns(original)[0].split(",").index("loss")]
    )
    warm_loss = float(columns(warm)[1].split(",")[columns(warm)[0].split(",").index("loss")])
    assert warm_loss < cold_loss / 2


def test_weights_of_another_model_are_refused(small_data, first_run, tmp_path):
    weights = first_run.output / "latest" / "weights" / "best.weights.h5"
    refused = run_pipeline(
        small_data,
        tmp_path / "runs",
        *SMALL,
        "--model=reference",
        f"--initial-weights={weights}",
    )
    assert refused.status == 2, refused.text
    assert f"The initial weights {weights} do not fit the model reference" in refused.text


def test_the_reference_model_runs_with_an_inferred_schema(small_data, tmp_path):
    run = run_pipeline(
        small_data,
        tmp_path / "runs",
        *SMALL,
        "--model=reference",
        "--infer-schema",
        "--epochs=1",
        "--set=thresholds.accuracy=0",
    )
    assert run.status == 0, run.text
    assert run.metrics["training"]["parameters"] == 33_616_132


def test_other_classes_and_sizes_need_nothing_but_configuration(tmp_path):
    classes, height, width = ("noise", "narrowband", "squiggle"), 48, 96
    simulate_dataset(
        tmp_path / "data",
        train=96,
        validation=48,
        workers=1,
        classes=classes,
        height=height,
        width=width,
    )
    config = tmp_path / "config.yaml"
    config.write_text(
        f"classes: {list(classes)}\nheight: {height}\nwidth: {width}\n"
        "epochs: 1\nthresholds: {accuracy: 0, class_precision: 0, class_recall: 0}\n"
    )
    run = run_pipeline(tmp_path / "data", tmp_path / "runs", f"--config={config}")
    assert run.status == 0, run.text
    assert list(run.metrics["classes"]) == list(classes)
    assert [figures["support"] for figures in run.metrics["classes"].values()] == [16, 16, 16]
