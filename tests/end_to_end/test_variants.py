"""Whole runs that take longer: other models, schema, sizes, and repeatability."""

import csv
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data.reading.inventory import take_inventory
from data.reading.layout import Layout
from data.reading.split import split_images, split_labels
from data.seed_layout import CLASS_NAMES, HEIGHT, RECORD, WIDTH
from data.simulation.classes import PRIMARY
from data.simulation.dataset import simulate_dataset
from tests.end_to_end.support.pipeline_runs import SMALL, run_pipeline

pytestmark = pytest.mark.slow


def test_the_same_seed_gives_the_same_weights(small_data, first_run, tmp_path):
    again = run_pipeline(small_data, tmp_path / "again", *SMALL)
    assert again.training_log == first_run.training_log
    assert again.card["model_id"] == first_run.card["model_id"], "a digest of all weights"


@pytest.mark.long
def test_another_seed_gives_other_weights(small_data, first_run, tmp_path):
    other = run_pipeline(small_data, tmp_path / "other", *SMALL, "--seed=1")
    assert other.card["model_id"] != first_run.card["model_id"]


@pytest.mark.long
def test_training_starts_from_initial_weights(small_data, first_run, tmp_path):
    weights = first_run.latest / "weights" / "best.weights.h5"
    # At this rate the model hardly changes, so its loss is that of the initial weights.
    warm = run_pipeline(
        small_data,
        tmp_path / "warm",
        *SMALL,
        "--epochs=1",
        "--set=schedule.initial_rate=1e-9",
        f"--initial-weights={weights}",
    )
    assert warm.status == 0, warm.text

    def validation_losses(run) -> list[float]:
        names, *rows = (line.split(",") for line in run.training_log)
        return [float(row[names.index("val_loss")]) for row in rows]

    best_epoch = first_run.metrics["training"]["best_epoch"]
    expected = validation_losses(first_run)[best_epoch - 1]
    # Batch normalisation still follows the images that it sees, which moves a loss near 0 by a
    # tenth. A model that begins anew has a loss above 1.
    assert validation_losses(warm) == [pytest.approx(expected, abs=1e-3)]


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


@pytest.mark.long
def test_the_reference_model_runs_with_an_inferred_schema(small_data, tmp_path):
    run = run_pipeline(
        small_data,
        tmp_path / "runs",
        *SMALL,
        "--model=reference",
        "--infer-schema",
        "--epochs=1",
        "--set=thresholds.accuracy=0",
        # After one epoch it may still predict a single class, which no threshold allows.
        "--force-push",
        "--reason=a test of one epoch",
    )
    assert run.status == 0, run.text
    assert run.metrics["training"]["parameters"] == 33_616_132
    forced = None if run.metrics["blessed"] else "a test of one epoch"
    assert run.metrics["force_push_reason"] == run.card.get("force_push_reason") == forced
    (schema,) = (run.output / "artifacts" / "Schema" / "schema").rglob("schema.pbtxt")
    assert 'value: "squiggle"' in schema.read_text(), "the class names were seen in the data"


def test_other_classes_and_sizes_need_only_configuration_and_test_images_measure(tmp_path):
    classes, height, width = ("noise", "narrowband", "squiggle"), 48, 96
    simulate_dataset(
        tmp_path / "data",
        train=96,
        validation=48,
        test=24,
        workers=1,
        classes=classes,
        height=height,
        width=width,
    )
    config = tmp_path / "config.yaml"
    config.write_text(
        f"classes: {list(classes)}\nheight: {height}\nwidth: {width}\n"
        "epochs: 4\nthresholds: {accuracy: 0, class_precision: 0, class_recall: 0}\n"
    )
    run = run_pipeline(tmp_path / "data", tmp_path / "runs", f"--config={config}")
    assert run.status == 0, run.text
    assert list(run.metrics["classes"]) == list(classes)
    assert run.metrics["evaluated_split"] == run.card["evaluation"]["split"] == "test"
    assert [metrics["support"] for metrics in run.metrics["classes"].values()] == [8, 8, 8]
    assert run.metrics["training"]["validation_images"] == 48
    assert f"accuracy {run.metrics['accuracy']:.4f} on the test images" in run.text
    assert "evaluation on 24 test images" in (run.latest / "report.html").read_text()


def test_folders_of_pictures_are_divided_and_mistakes_are_named_by_their_picture(tmp_path):
    classes = ("noise", "narrowband", "squiggle")
    simulate_dataset(
        tmp_path / "simulated",
        train=96,
        validation=3,
        workers=1,
        classes=classes,
        height=32,
        width=64,
    )
    layout = Layout(classes, 32, 64)
    inventory = take_inventory(str(tmp_path / "simulated"), layout)
    labels = split_labels(inventory, "train", layout)
    for number, image in enumerate(split_images(inventory, "train", layout)):
        path = tmp_path / "data" / classes[labels[number]] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        # The size of the picture is another, and is reduced again.
        Image.fromarray(image).resize((128, 64), Image.Resampling.NEAREST).save(path)
    shutil.copy(tmp_path / "simulated" / RECORD, tmp_path / "data")
    run = run_pipeline(
        tmp_path / "data",
        tmp_path / "runs",
        *SMALL,
        "--epochs=1",
        "--validation-fraction=0.25",
        "--set=classes=[squiggle,noise,narrowband]",
        "--set=height=32",
        "--set=width=64",
        "--set=thresholds.accuracy=0",
    )
    assert run.status in (0, 3), run.text
    assert "96 images, 0.25 of each class for validation" in run.text
    assert run.metrics["data"] == (
        f"{tmp_path}/data (SIMULATED: preset basic, seed 0), 0.25 of each class for validation "
        "(seed 0)"
    )
    assert {name: each["support"] for name, each in run.metrics["classes"].items()} == {
        "squiggle": 8,
        "noise": 8,
        "narrowband": 8,
    }
    with (run.latest / "misclassified.csv").open() as file:
        mistakes = list(csv.DictReader(file))
    assert len(mistakes) == round(24 * (1 - run.metrics["accuracy"]))
    for mistake in mistakes:
        assert (tmp_path / "data" / mistake["file"]).is_file()
        assert mistake["file"].startswith(f"{mistake['actual']}/")
        assert mistake["row"] == "1"


@pytest.mark.long
def test_the_seven_classes_of_the_primary_set_run_in_their_published_size(tmp_path):
    simulate_dataset(
        tmp_path / "data", train=56, validation=28, classes=PRIMARY, height=384, width=512
    )
    config = tmp_path / "config.yaml"
    config.write_text(
        f"classes: {list(PRIMARY)}\nheight: 384\nwidth: 512\nepochs: 1\nbatch_size: 8\n"
        "thresholds: {accuracy: 0, class_precision: 0, class_recall: 0}\n"
    )
    run = run_pipeline(tmp_path / "data", tmp_path / "runs", f"--config={config}")
    assert run.status == 0, run.text
    assert list(run.metrics["classes"]) == list(PRIMARY)
    assert [metrics["support"] for metrics in run.metrics["classes"].values()] == [4] * 7
    model = tf.saved_model.load(run.metrics["pushed_to"])
    answer = model.signatures["classify_spectrograms"](tf.zeros([2, 384, 512]))
    assert answer["probabilities"].shape == (2, 7)
    assert answer["class"].numpy()[0].decode() in PRIMARY


@pytest.mark.long
def test_the_newest_span_is_run_and_one_that_has_drifted_is_refused(small_data, tmp_path):
    spans = tmp_path / "spans"
    shutil.copytree(small_data, spans / "span-1")
    options = (*SMALL, "--epochs=1", f"--set=artifacts={tmp_path / 'elsewhere'}")
    first = run_pipeline(spans, tmp_path / "runs", *options)
    assert first.status in (0, 3), first.text
    assert "span 1, 480 + 120 images" in first.text
    assert (tmp_path / "elsewhere" / "Trainer").is_dir()
    assert not (tmp_path / "runs" / "artifacts").exists()

    layout = Layout(CLASS_NAMES, HEIGHT, WIDTH)
    inventory = take_inventory(str(small_data), layout)
    for split in inventory.splits:
        (spans / "span-2" / split).mkdir(parents=True)
        # Another gain: everything a tenth brighter.
        images = np.minimum(split_images(inventory, split, layout).astype(int) + 25, 255)
        np.save(spans / "span-2" / split / "images.npy", images.astype(np.uint8))
        np.save(spans / "span-2" / split / "labels.npy", split_labels(inventory, split, layout))
    second = run_pipeline(spans, tmp_path / "runs", *options)
    assert second.status == 2, second.text
    assert "span 2 has drifted from span 1 in feature brightness" in second.text
    assert "Trainer" not in second.text

    again = run_pipeline(spans, tmp_path / "runs", *options, "--span=1")
    assert again.status == first.status
    assert again.metrics["seconds"]["Trainer"] < 1, "the chosen span is answered from the cache"
