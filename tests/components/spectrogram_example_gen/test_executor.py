"""SpectrogramExampleGen's executor, run on the committed sample by Beam's direct runner."""

import gzip
import hashlib
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from apache_beam.io.localfilesystem import LocalFileSystem
from PIL import Image
from tfx.types import standard_artifacts

import data
from components.spectrogram_example_gen.component import SpectrogramExampleGen
from components.spectrogram_example_gen.data_fingerprint import compute_data_fingerprint
from components.spectrogram_example_gen.driver import Driver
from components.spectrogram_example_gen.examples_artifact import describe_source
from components.spectrogram_example_gen.executor import Executor
from data.invalid import InvalidData
from data.reading.inventory import take_inventory
from data.reading.layout import Layout
from data.reading.split import split_images, split_labels
from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from pipeline.beam_args import DIRECT_RUNNER, make_beam_args

SAMPLE = Path(data.__file__).parent / "sample"


def ingest(folder, output, seed=0, classes=CLASS_NAMES, beam_args=(), **options):
    component = SpectrogramExampleGen(
        data=str(folder), classes=list(classes), height=HEIGHT, width=WIDTH, seed=seed, **options
    )
    artifact = standard_artifacts.Examples()
    artifact.uri = str(output)
    executor = Executor(
        Executor.Context(
            beam_pipeline_args=make_beam_args([*DIRECT_RUNNER, *beam_args]),
            tmp_dir=f"{output}-tmp",
            unique_id="1",
        )
    )
    executor.Do({}, {"examples": [artifact]}, dict(component.exec_properties))
    return artifact


def read_examples(output, split):
    files = sorted(str(path) for path in Path(output, f"Split-{split}").iterdir())
    for record in tf.data.TFRecordDataset(files):
        yield tf.train.Example.FromString(record.numpy()).features.feature


@pytest.fixture(scope="module")
def ingested(tmp_path_factory):
    output = tmp_path_factory.mktemp("examples")
    return ingest(SAMPLE, output), output


@pytest.mark.parametrize(("split", "rows"), [("train", 16), ("validation", 8)])
def test_every_row_is_stored_once_with_its_own_label(ingested, split, rows):
    _, output = ingested
    layout = Layout(CLASS_NAMES, HEIGHT, WIDTH)
    inventory = take_inventory(str(SAMPLE), layout)
    images = split_images(inventory, split, layout)
    labels = split_labels(inventory, split, layout)
    expected = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    assert len(expected) == rows
    stored = {
        features["image"].bytes_list.value[0]: features["label"].int64_list.value[0]
        for features in read_examples(output, split)
    }
    assert stored == expected


def read_all_but_files(output):
    """Everything but the names of the files, which depend on the format of the data."""
    splits = {split: list(read_examples(output, split)) for split in ("train", "validation")}
    for features in itertools.chain(*splits.values()):
        del features["file"]
    return {split: [dict(features) for features in examples] for split, examples in splits.items()}


@pytest.mark.parametrize("split", ["train", "validation"])
def test_every_example_names_the_row_that_an_editor_shows_it_in(ingested, split):
    for features in read_examples(ingested[1], split):
        file = SAMPLE / features["file"].bytes_list.value[0].decode()
        (row,) = features["row"].int64_list.value
        written = np.array(file.read_text().splitlines()[row - 1].split(","), float)
        stored = np.frombuffer(features["image"].bytes_list.value[0], np.uint8)
        np.testing.assert_array_equal(np.rint(written * 255), stored)


def test_summary_features_describe_the_image(ingested):
    for features in read_examples(ingested[1], "train"):
        levels = np.frombuffer(features["image"].bytes_list.value[0], np.uint8) / 255
        label = features["label"].int64_list.value[0]
        assert features["class_name"].bytes_list.value[0].decode() == CLASS_NAMES[label]
        assert features["brightness"].float_list.value[0] == pytest.approx(levels.mean())
        assert features["contrast"].float_list.value[0] == pytest.approx(levels.std())
        assert features["dynamic_range"].float_list.value[0] == pytest.approx(np.ptp(levels))
        assert features["dead_channels"].int64_list.value[0] == 0
        # Every signal of preset basic is strong.
        strong = features["line_strength"].float_list.value[0] > 5
        assert strong == (CLASS_NAMES[label] != "noise")


def test_rows_sorted_by_class_are_shuffled(ingested):
    labels = [
        features["label"].int64_list.value[0] for features in read_examples(ingested[1], "train")
    ]
    changes = np.count_nonzero(np.diff(labels))
    assert changes > 3, "four sorted classes have three changes"


def compute_digests(output):
    return {
        path.relative_to(output): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(output).rglob("*-of-*"))
    }


def test_the_same_seed_gives_the_same_files_and_another_seed_others(ingested, tmp_path):
    ingest(SAMPLE, tmp_path / "again")
    ingest(SAMPLE, tmp_path / "other", seed=1)
    assert compute_digests(tmp_path / "again") == compute_digests(ingested[1])
    assert compute_digests(tmp_path / "other") != compute_digests(ingested[1])


def test_the_artifact_has_its_splits_rows_and_format_as_properties(ingested):
    artifact, _ = ingested
    assert artifact.split_names == '["train", "validation"]'
    assert artifact.get_int_custom_property("train_rows") == 16
    assert artifact.get_int_custom_property("validation_rows") == 8
    assert artifact.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"


def test_the_source_of_simulated_data_says_that_they_are_simulated(ingested, tmp_path):
    artifact, _ = ingested
    source = artifact.get_string_custom_property("source")
    assert source == f"{SAMPLE} (SIMULATED: preset basic, seed 0)"
    assert describe_source(str(tmp_path)) == str(tmp_path), "without a record"


def test_labels_that_do_not_fit_the_configured_classes_are_refused(tmp_path):
    with pytest.raises(InvalidData, match=r"labels\.csv has 4 values a row where 3 are expected"):
        ingest(SAMPLE, tmp_path, classes=CLASS_NAMES[:3])


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """The sample with a bad cell, a bad label, two dead channels and a repeated row."""
    folder = tmp_path_factory.mktemp("damaged") / "data"
    shutil.copytree(SAMPLE, folder)
    images = folder / "train" / "images.csv"
    rows = [line.split(",") for line in images.read_text().splitlines()]
    rows[2][5] = "oops"
    for time in range(HEIGHT):
        rows[4][time * WIDTH + 7] = rows[4][time * WIDTH + 99] = "0.501961"
    rows[9] = rows[8]
    images.write_text("".join(",".join(row) + "\n" for row in rows))
    labels = folder / "train" / "labels.csv"
    lines = labels.read_text().splitlines(keepends=True)
    lines[12] = "0,0,0,0\n"
    labels.write_text("".join(lines))
    return folder


def test_bad_data_are_refused_with_all_errors_and_nothing_is_stored(damaged, tmp_path):
    with pytest.raises(InvalidData) as refused:
        ingest(damaged, tmp_path / "out")
    assert str(refused.value).splitlines() == [
        f"2 problems in {damaged}:",
        f'  {damaged}/train/images.csv, row 3, column 6: "oops" is not a number.',
        (
            f"  {damaged}/train/labels.csv, row 13: the label (0, 0, 0, 0) is not one-hot. "
            "Exactly one of its values must be 1 and the others 0."
        ),
        "Correct these rows, or leave them out: --max-bad-rows 2.",
    ]
    assert not list((tmp_path / "out").rglob("*-of-*"))
    assert not list(Path(f"{tmp_path}/out-tmp").rglob("rows-*")), "spill files are removed"


@pytest.fixture(scope="module")
def ingested_damaged(damaged, tmp_path_factory):
    output = tmp_path_factory.mktemp("examples")
    return ingest(damaged, output, max_bad_rows=2), output


def test_bad_rows_are_left_out_when_that_is_allowed_and_recorded(damaged, ingested_damaged):
    artifact, output = ingested_damaged
    stored = [f["image"].bytes_list.value[0] for f in read_examples(output, "train")]
    assert len(stored) == 14
    assert artifact.get_int_custom_property("train_rows") == 14
    assert artifact.get_int_custom_property("dropped_rows") == 2
    findings = json.loads((output / "findings.json").read_text())
    assert [(row["path"], row["row"], row["column"]) for row in findings["dropped_rows"]] == [
        (f"{damaged}/train/images.csv", 3, 6),
        (f"{damaged}/train/labels.csv", 13, 0),
    ]
    (warning,) = findings["warnings"]
    assert (warning["path"], warning["row"]) == (f"{damaged}/train/images.csv", 10)
    assert sum(findings["images"]["train"].values()) == 14


def test_dead_channels_are_counted(ingested_damaged):
    _, output = ingested_damaged
    dead = [f["dead_channels"].int64_list.value[0] for f in read_examples(output, "train")]
    assert sorted(dead) == [0] * 13 + [2]


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        ("data.reading.text.RANGE_BYTES", 200_000),
        ("components.spectrogram_example_gen.shuffle.SPILL_FILE_BYTES", 1),
    ],
)
def test_the_size_of_chunks_and_spill_files_does_not_change_the_output(
    ingested, tmp_path, monkeypatch, limit, size
):
    monkeypatch.setattr("data.reading.text.BLOCK_BYTES", 100_000)
    monkeypatch.setattr(limit, size)
    artifact = ingest(SAMPLE, tmp_path / "divided")
    assert artifact.get_int_custom_property("train_rows") == 16
    assert compute_digests(tmp_path / "divided") == compute_digests(ingested[1])


def test_larger_data_are_written_to_more_files(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "components.spectrogram_example_gen.examples.SHARD_BYTES", 2 * HEIGHT * WIDTH
    )
    ingest(SAMPLE, tmp_path)
    names = sorted(path.name for path in (tmp_path / "Split-train").iterdir())
    assert names == [f"data_tfrecord-{shard:05d}-of-00008" for shard in range(8)]
    sizes = [
        sum(1 for _ in tf.data.TFRecordDataset(str(tmp_path / "Split-train" / name)))
        for name in names
    ]
    assert sizes == [2] * 8


class SchemedFileSystem(LocalFileSystem):
    """The local file system under an address with a scheme, as a bucket would be."""

    @classmethod
    def scheme(cls):
        return "elsewhere"

    def _local(self, path):
        return path.removeprefix("elsewhere:/")

    def match(self, patterns, limits=None):
        results = super().match([self._local(pattern) for pattern in patterns], limits)
        for result in results:
            for metadata in result.metadata_list:
                metadata.path = f"elsewhere:/{metadata.path}"
        return results

    def exists(self, path):
        return super().exists(self._local(path))

    def open(self, path, *arguments, **options):
        return super().open(self._local(path), *arguments, **options)


def test_any_file_system_that_beam_knows_is_read(ingested, tmp_path):
    artifact = ingest(f"elsewhere:/{SAMPLE}", tmp_path)
    assert compute_digests(tmp_path) == compute_digests(ingested[1])
    assert artifact.get_string_custom_property("source") == (
        f"elsewhere:/{SAMPLE} (SIMULATED: preset basic, seed 0)"
    )


def test_a_missing_bucket_is_refused(tmp_path):
    with pytest.raises(InvalidData, match="The data folder elsewhere://nowhere does not exist"):
        ingest("elsewhere://nowhere", tmp_path)


def test_the_newest_span_is_read_and_recorded(tmp_path):
    for number in (3, 12):
        shutil.copytree(SAMPLE, tmp_path / "data" / f"span-{number}")
    assert ingest(tmp_path / "data", tmp_path / "newest").span == 12
    assert ingest(tmp_path / "data", tmp_path / "chosen", span=3).span == 3


def test_compressed_files_are_read_with_a_note(ingested, tmp_path, caplog):
    folder = tmp_path / "gzipped"
    shutil.copytree(SAMPLE, folder)
    images = folder / "train" / "images.csv"
    images.with_suffix(".csv.gz").write_bytes(gzip.compress(images.read_bytes()))
    images.unlink()
    with caplog.at_level("INFO", "radio_signals"):
        ingest(folder, tmp_path / "out")
    assert read_all_but_files(tmp_path / "out") == read_all_but_files(ingested[1])
    assert f"{images}.gz is compressed, so one worker reads all of it" in caplog.messages


def test_the_same_data_in_another_format_are_stored_the_same(ingested, tmp_path):
    layout = Layout(CLASS_NAMES, HEIGHT, WIDTH)
    inventory = take_inventory(str(SAMPLE), layout)
    (tmp_path / "npz").mkdir()
    for split in ("train", "validation"):
        np.savez_compressed(
            tmp_path / "npz" / f"{split}.npz",
            images=split_images(inventory, split, layout),
            labels=split_labels(inventory, split, layout),
        )
    artifact = ingest(tmp_path / "npz", tmp_path / "out")
    assert artifact.get_string_custom_property("format") == "npz"
    assert read_all_but_files(tmp_path / "out") == read_all_but_files(ingested[1])
    files = {
        features["file"].bytes_list.value[0]
        for features in read_examples(tmp_path / "out", "train")
    }
    assert files == {b"train.npz"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The sample as folders of pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    layout = Layout(CLASS_NAMES, HEIGHT, WIDTH)
    inventory = take_inventory(str(SAMPLE), layout)
    for split in ("train", "validation"):
        labels = split_labels(inventory, split, layout)
        for number, image in enumerate(split_images(inventory, split, layout)):
            path = folder / split / CLASS_NAMES[labels[number]] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return folder


def read_labels_by_image(output, *splits):
    return {
        features["image"].bytes_list.value[0]: features["label"].int64_list.value[0]
        for split in splits
        for features in read_examples(output, split)
    }


def test_pictures_are_stored_with_their_label_and_the_name_of_their_file(
    ingested, pictures, tmp_path
):
    artifact = ingest(pictures, tmp_path)
    assert artifact.get_string_custom_property("format") == "image-folder"
    for split in ("train", "validation"):
        assert read_labels_by_image(tmp_path, split) == read_labels_by_image(ingested[1], split)
        for features in read_examples(tmp_path, split):
            file = features["file"].bytes_list.value[0].decode()
            assert file.split("/")[1] == features["class_name"].bytes_list.value[0].decode()
            assert features["row"].int64_list.value[0] == 1
            with Image.open(pictures / file) as picture:
                assert picture.tobytes() == features["image"].bytes_list.value[0]


def test_the_findings_list_folders_of_pictures_and_what_was_done_with_them(
    pictures, tmp_path, caplog
):
    folder = tmp_path / "data"
    shutil.copytree(pictures, folder)
    name = "train/noise/large.png"
    Image.fromarray(np.eye(2 * HEIGHT, 2 * WIDTH, dtype=np.uint8) * 255).save(folder / name)
    (folder / "train/noise/damaged.png").write_bytes(b"x")
    with caplog.at_level("INFO", "radio_signals"):
        ingest(folder, tmp_path / "out", max_bad_rows=1)
    findings = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert len(findings["files"]) == 8
    assert findings["files"][0] == f"{folder}/train/narrowband/ (4 files)"
    assert findings["remarks"] == [
        "pictures resized to 64 x 128 with anti-aliasing (--no-resize refuses them): 1"
    ]
    assert findings["remarks"][0] in caplog.messages
    (dropped,) = findings["dropped_rows"]
    assert dropped["path"] == f"{folder}/train/noise/damaged.png"
    assert findings["images"]["train"]["noise"] == 5


def test_changed_pictures_have_another_fingerprint(pictures, tmp_path):
    layout = Layout(CLASS_NAMES, HEIGHT, WIDTH)
    folder = tmp_path / "data"
    shutil.copytree(pictures, folder)

    def fingerprint():
        return compute_data_fingerprint(take_inventory(str(folder), layout))

    before = fingerprint()
    picture = next((folder / "train" / "noise").iterdir())
    content = picture.read_bytes()
    picture.write_bytes(content + b"x")
    assert fingerprint() != before
    picture.write_bytes(content)
    assert fingerprint() == before
    picture.rename(picture.with_name("renamed.png"))
    assert fingerprint() != before


@pytest.fixture(scope="module")
def divided(pictures, tmp_path_factory):
    """The pictures of the training part, a quarter of which is set aside."""
    folder = tmp_path_factory.mktemp("undivided") / "data"
    shutil.copytree(pictures / "train", folder)
    output = tmp_path_factory.mktemp("examples")
    artifact = ingest(folder, output, seed=3, validation_fraction=0.25)
    return folder, output, artifact


def test_a_quarter_of_each_class_is_stored_for_validation(ingested, divided):
    folder, output, artifact = divided
    training = read_labels_by_image(output, "train")
    validation = read_labels_by_image(output, "validation")
    assert sorted(validation.values()) == [0, 1, 2, 3]
    assert training | validation == read_labels_by_image(ingested[1], "train")
    assert len(training) + len(validation) == 16
    assert artifact.get_int_custom_property("validation_rows") == 4
    assert artifact.get_string_custom_property("source") == (
        f"{folder}, 0.25 of each class for validation (seed 3)"
    )
    findings = json.loads((output / "findings.json").read_text())
    assert (findings["validation_fraction"], findings["division_seed"]) == (0.25, 3)
    assert findings["images"]["validation"] == dict.fromkeys(CLASS_NAMES, 1)


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        ("data.reading.formats.image_folder._MOST_IN_CHUNK", 2),
        ("components.spectrogram_example_gen.shuffle.SPILL_FILE_BYTES", 1),
        ("components.spectrogram_example_gen.ingest.count_rows_at_a_time", lambda pixels: 3),
    ],
)
def test_the_same_seed_divides_and_stores_the_same_with_any_size_of_chunks(
    divided, tmp_path, monkeypatch, limit, size
):
    monkeypatch.setattr(limit, size)
    ingest(divided[0], tmp_path, seed=3, validation_fraction=0.25)
    assert compute_digests(tmp_path) == compute_digests(divided[1])


@pytest.mark.slow
def test_workers_in_other_processes_divide_and_store_the_same(divided, tmp_path):
    workers = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    ingest(divided[0], tmp_path, seed=3, validation_fraction=0.25, beam_args=workers)
    assert compute_digests(tmp_path) == compute_digests(divided[1])


def test_pictures_are_read_from_any_file_system_that_beam_knows(divided, tmp_path):
    folder, output, _ = divided
    ingest(f"elsewhere:/{folder}", tmp_path, seed=3, validation_fraction=0.25)
    assert compute_digests(tmp_path) == compute_digests(output)


def test_the_fraction_and_the_seed_are_part_of_the_cache_key(divided):
    def properties(**options):
        component = SpectrogramExampleGen(
            data=str(divided[0]), classes=list(CLASS_NAMES), height=HEIGHT, width=WIDTH, **options
        )
        return Driver(None).resolve_exec_properties(dict(component.exec_properties), None, None)

    key = properties(seed=3, validation_fraction=0.25)
    assert key == properties(seed=3, validation_fraction=0.25)
    assert key != properties(seed=3, validation_fraction=0.5)
    assert key != properties(seed=4, validation_fraction=0.25)
    assert key["input_fingerprint"].startswith("sha256:")
