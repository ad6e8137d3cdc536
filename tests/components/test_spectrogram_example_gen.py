"""SpectrogramExampleGen's executor, run on the committed sample by Beam's direct runner."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

import data
from components.spectrogram_example_gen.component import SpectrogramExampleGen
from components.spectrogram_example_gen.executor import Executor, describe_source
from data.invalid import InvalidData
from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from data.spectrogram_csv import read_images, read_labels

SAMPLE = Path(data.__file__).parent / "sample"


def ingest(folder, output, seed=0, classes=CLASS_NAMES):
    component = SpectrogramExampleGen(
        input_base=str(folder), classes=list(classes), height=HEIGHT, width=WIDTH, seed=seed
    )
    artifact = standard_artifacts.Examples()
    artifact.uri = str(output)
    executor = Executor(
        Executor.Context(
            beam_pipeline_args=["--runner=DirectRunner"], tmp_dir=str(output), unique_id="1"
        )
    )
    executor.Do({}, {"examples": [artifact]}, dict(component.exec_properties))
    return artifact


def examples(output, split):
    files = sorted(str(path) for path in Path(output, f"Split-{split}").iterdir())
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP"):
        yield tf.train.Example.FromString(record.numpy()).features.feature


@pytest.fixture(scope="module")
def ingested(tmp_path_factory):
    output = tmp_path_factory.mktemp("examples")
    return ingest(SAMPLE, output), output


@pytest.mark.parametrize(("split", "rows"), [("train", 16), ("validation", 8)])
def test_every_row_is_stored_once_with_its_own_label(ingested, split, rows):
    _, output = ingested
    (block,) = read_images(str(SAMPLE / split / "images.csv"), HEIGHT * WIDTH)
    labels = read_labels(str(SAMPLE / split / "labels.csv"), len(CLASS_NAMES))
    expected = {image.tobytes(): label for image, label in zip(block.levels, labels, strict=True)}
    assert len(expected) == rows
    stored = {
        features["image"].bytes_list.value[0]: features["label"].int64_list.value[0]
        for features in examples(output, split)
    }
    assert stored == expected


def test_class_name_brightness_and_contrast_describe_the_image(ingested):
    for features in examples(ingested[1], "train"):
        levels = np.frombuffer(features["image"].bytes_list.value[0], np.uint8) / 255
        label = features["label"].int64_list.value[0]
        assert features["class_name"].bytes_list.value[0].decode() == CLASS_NAMES[label]
        assert features["brightness"].float_list.value[0] == pytest.approx(levels.mean())
        assert features["contrast"].float_list.value[0] == pytest.approx(levels.std())


def test_rows_sorted_by_class_leave_shuffled(ingested):
    labels = [features["label"].int64_list.value[0] for features in examples(ingested[1], "train")]
    changes = np.count_nonzero(np.diff(labels))
    assert changes > 3, "four blocks have three changes"


def digests(output):
    return {
        path.relative_to(output): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(output).rglob("*.gz"))
    }


def test_the_same_seed_gives_the_same_files_and_another_seed_others(ingested, tmp_path):
    ingest(SAMPLE, tmp_path / "again")
    ingest(SAMPLE, tmp_path / "other", seed=1)
    assert digests(tmp_path / "again") == digests(ingested[1])
    assert digests(tmp_path / "other") != digests(ingested[1])


def test_the_artifact_says_its_splits_rows_and_format(ingested):
    artifact, _ = ingested
    assert artifact.split_names == '["train", "validation"]'
    assert artifact.get_int_custom_property("train_rows") == 16
    assert artifact.get_int_custom_property("validation_rows") == 8
    assert artifact.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"


def test_simulated_data_are_called_simulated(ingested, tmp_path):
    artifact, _ = ingested
    source = artifact.get_string_custom_property("source")
    assert source == f"{SAMPLE} (SIMULATED: preset basic, seed 0)"
    assert describe_source(str(tmp_path)) == str(tmp_path), "no record, no claim"


def test_labels_that_do_not_fit_the_configured_classes_are_refused(tmp_path):
    with pytest.raises(InvalidData, match=r"labels\.csv, row 1: 4 values where 3 are expected"):
        ingest(SAMPLE, tmp_path, classes=CLASS_NAMES[:3])
