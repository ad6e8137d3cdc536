"""Whole runs that take longer: other models, schema, sizes, and repeatability."""

import pytest

from data.simulation.dataset import simulate_dataset
from tests.end_to_end.conftest import SMALL, run_pipeline

pytestmark = pytest.mark.slow


def columns(run) -> list[str]:
    """The training log without its speed, which no seed fixes."""
    lines = (run.latest / "training_log.csv").read_text().splitlines()
    speed = lines[0].split(",").index("images_per_second")
    return [",".join(v for i, v in enumerate(line.split(",")) if i != speed) for line in lines]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    small_data, first_run, tmp_path
):
    again = run_pipeline(small_data, tmp_path / "again", *SMALL)
    other = run_pipeline(small_data, tmp_path / "other", *SMALL, "--seed=1")
    assert columns(again) == columns(first_run)
    assert again.card["model_id"] == first_run.card["model_id"], "a digest of all weights"
    assert other.card["model_id"] != first_run.card["model_id"]


def test_training_goes_on_from_initial_weights(small_data, first_run, tmp_path):
    weights = first_run.latest / "weights" / "best.weights.h5"
    warm = run_pipeline(
        small_data, tmp_path / "warm", *SMALL, "--epochs=1", f"--initial-weights={weights}"
    )
    assert warm.status == 0, warm.text

    def first_loss(run) -> float:
        names, first = columns(run)[:2]
        return float(first.split(",")[names.split(",").index("loss")])

    assert first_loss(warm) < first_loss(first_run) / 2


def test_weights_of_another_model_are_refused(small_data, first_run, tmp_path):
    weights = first_run.latest / "weights" / "best.weights.h5"
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
    (schema,) = (run.output / "artifacts" / "Schema" / "schema").rglob("schema.pbtxt")
    assert 'value: "squiggle"' in schema.read_text(), "the class names were seen in the data"


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
