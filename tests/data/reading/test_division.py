"""Data without a validation part: which rows are set aside, in every format."""

import gzip
import shutil

import numpy as np
import pytest
from PIL import Image

from data.reading import text
from data.reading.check import check_folder
from data.reading.formats import arrays, image_folder
from data.reading.inventory import take_inventory
from data.reading.judging.division import choose_validation_rows
from data.reading.layout import Division, Layout, Tolerance
from data.reading.split import divide, split_images, split_labels
from tests.data.reading.test_formats import WRITERS, idx, labelled, npy, npz, paired

CLASSES = ("noise", "line")
LAYOUT = Layout(CLASSES, 2, 3)
FIFTH = Division(0.2, seed=7)


def pictures(folder, split, levels, labels):
    for number, (image, label) in enumerate(zip(levels, labels, strict=True)):
        path = folder / split / CLASSES[label] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def packed_idx(folder, split, levels, labels):
    (folder / split).mkdir()
    idx(gzip.compress, ".gz", {split: f"{split}/all"})(folder, split, levels, labels)


# One writer for each format, which puts its files into the folder of a split.
WHOLE = {
    "csv-pair": paired(),
    "csv": labelled("{split}/all.csv", lambda pixels, label: f"{pixels},{CLASSES[label]}"),
    "npy": npy(),
    "npz": npz(np.savez, "{split}/data.npz"),
    "idx": packed_idx,
    "image-folder": pictures,
}


@pytest.fixture(params=WHOLE)
def format_name(request):
    return request.param


@pytest.fixture
def undivided(tmp_path, format_name, images, labels):
    """Twenty spectrograms, ten of each class, directly in the data folder."""
    (tmp_path / "made").mkdir()
    WHOLE[format_name](tmp_path / "made", "train", images["train"], labels["train"])
    (tmp_path / "made" / "train").rename(tmp_path / "data")
    return tmp_path / "data"


def chosen_contents(inventory):
    levels = split_images(inventory, "validation", LAYOUT)
    labels = split_labels(inventory, "validation", LAYOUT)
    return {(image.tobytes(), int(label)) for image, label in zip(levels, labels, strict=True)}


def test_a_part_of_undivided_data_is_set_aside_and_the_rest_is_for_training(
    undivided, format_name, images, labels
):
    inventory, findings = check_folder(str(undivided), LAYOUT, division=FIFTH)
    assert [str(error) for error in findings.errors] == []
    assert inventory.format == format_name
    assert findings.counts == {
        "train": {"noise": 8, "line": 8},
        "validation": {"noise": 2, "line": 2},
    }
    inventory = divide(inventory, LAYOUT)
    everything = {
        (image.tobytes(), int(label))
        for image, label in zip(images["train"], labels["train"], strict=True)
    }
    training = {
        (image.tobytes(), int(label))
        for image, label in zip(
            split_images(inventory, "train", LAYOUT),
            split_labels(inventory, "train", LAYOUT),
            strict=True,
        )
    }
    assert len(chosen_contents(inventory)) == 4
    assert training == everything - chosen_contents(inventory)


def test_every_format_is_divided_alike_because_the_content_decides(
    undivided, tmp_path, images, labels
):
    pictures(tmp_path / "other", "train", images["train"], labels["train"])
    inventory = take_inventory(str(undivided), LAYOUT, division=FIFTH)
    other = take_inventory(str(tmp_path / "other"), LAYOUT, division=FIFTH)
    assert chosen_contents(inventory) == chosen_contents(other)


def test_the_division_does_not_depend_on_chunks_and_order(
    undivided, tmp_path, images, labels, monkeypatch
):
    before = chosen_contents(take_inventory(str(undivided), LAYOUT, division=FIFTH))
    for module, name, size in (
        (text, "RANGE_BYTES", 100),
        (arrays, "_CHUNK_BYTES", 50),
        (image_folder, "_MOST_IN_CHUNK", 3),
    ):
        monkeypatch.setattr(module, name, size)
    inventory = take_inventory(str(undivided), LAYOUT, division=FIFTH)
    assert chosen_contents(inventory) == before
    pictures(tmp_path / "turned", "train", images["train"][::-1], labels["train"][::-1])
    turned = take_inventory(str(tmp_path / "turned"), LAYOUT, division=FIFTH)
    assert chosen_contents(turned) == before


def test_data_of_a_training_part_alone_are_divided(tmp_path, images, labels):
    for name, (format_name, write) in WRITERS.items():
        folder = tmp_path / name.replace(" ", "-")
        write(folder, "train", images["train"], labels["train"])
        inventory, findings = check_folder(str(folder), LAYOUT, division=FIFTH)
        assert [str(error) for error in findings.errors] == [], name
        assert inventory.format == format_name
        assert findings.images == {"train": 16, "validation": 4}, name


def test_undivided_data_are_refused_with_the_option(undivided, format_name):
    _, findings = check_folder(str(undivided), LAYOUT)
    (error,) = map(str, findings.errors)
    assert error.startswith(
        f"{undivided} holds {format_name} data that are not divided into training and validation. "
        "Set aside some of them: --validation-fraction 0.2. Or divide them: "
    )


@pytest.mark.parametrize("name", ["validation", "val"])
def test_data_with_a_validation_part_are_not_divided_again(tmp_path, images, labels, name):
    for split, part in (("train", "train"), ("validation", name)):
        pictures(tmp_path, part, images[split], labels[split])
    _, findings = check_folder(str(tmp_path), LAYOUT, division=FIFTH)
    assert [str(error) for error in findings.errors] == [
        f"{tmp_path} holds validation data, such as {name}/line, so the training data are not "
        "divided. Leave out --validation-fraction, or move the validation data away."
    ]


def test_a_validation_part_alone_cannot_be_divided(folder, layout):
    shutil.rmtree(folder / "train")
    _, findings = check_folder(str(folder), layout, division=FIFTH)
    assert [str(error) for error in findings.errors] == [
        f"{folder} holds validation data, such as validation/images.csv, so the training data are "
        "not divided. Leave out --validation-fraction, or move the validation data away."
    ]


def test_the_part_of_each_class_is_the_same(tmp_path, images, labels):
    digests = np.random.default_rng(0).integers(0, 2**63, 1110).astype(np.uint64)
    labels = np.repeat([0, 1, 2], [1000, 100, 10])
    chosen = choose_validation_rows(digests, labels, Division(0.25))
    assert np.bincount(labels[chosen]).tolist() == [250, 25, 2]


def test_each_seed_divides_otherwise_and_the_same_seed_the_same():
    digests, labels = np.arange(1000, dtype=np.uint64), np.zeros(1000, np.int64)
    chosen = [choose_validation_rows(digests, labels, Division(0.5, seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert 400 < np.count_nonzero(chosen[0] != chosen[2]) < 600


def test_equal_spectrograms_stay_together_even_if_their_labels_differ():
    digests = np.repeat(np.arange(50, dtype=np.uint64), 4)
    labels = np.tile([0, 1, 0, 0], 50)
    chosen = choose_validation_rows(digests, labels, Division(0.3)).reshape(50, 4)
    assert (chosen == chosen[:, :1]).all()
    assert chosen[:, 0].sum() == 15


def test_most_spectrograms_stay_where_they_are_when_others_are_added():
    digests = np.random.default_rng(0).integers(0, 2**63, 1100).astype(np.uint64)
    labels = np.zeros(1100, np.int64)
    before = choose_validation_rows(digests[:1000], labels[:1000], Division(0.2))
    after = choose_validation_rows(digests, labels, Division(0.2))
    assert np.count_nonzero(before != after[:1000]) < 20


def test_both_parts_get_some_of_a_class_with_two_spectrograms():
    labels = np.array([0, 0, 1, 1])
    for fraction in (0.01, 0.99):
        chosen = choose_validation_rows(np.arange(4, dtype=np.uint64), labels, Division(fraction))
        assert np.bincount(labels[chosen]).tolist() == [1, 1]


def test_a_class_with_one_spectrogram_cannot_be_divided(tmp_path, images, labels):
    labels = np.where(np.arange(20) == 3, 1, 0)
    paired()(tmp_path, "train", images["train"], labels)
    _, findings = check_folder(str(tmp_path), LAYOUT, division=FIFTH)
    assert [str(error) for error in findings.errors] == [
        f"{tmp_path}/train/labels.csv has only one spectrogram of the class line, which cannot be "
        "both in training and in validation. Add others, or set classes to those in the data."
    ]


def test_a_class_of_no_spectrogram_is_one_error(tmp_path, images, labels):
    paired()(tmp_path, "train", images["train"], np.zeros(20, int))
    _, findings = check_folder(str(tmp_path), LAYOUT, division=FIFTH)
    assert [str(error) for error in findings.errors] == [
        f"{tmp_path}/train/labels.csv has no image of the class line. Every split needs some of "
        "each class; set classes to those in the data."
    ]


def test_repeats_are_warnings_and_never_leaks(tmp_path, images, labels):
    levels = np.concatenate([images["train"], images["train"]])
    paired()(tmp_path, "train", levels, np.tile(labels["train"], 2))
    _, findings = check_folder(str(tmp_path), LAYOUT, division=FIFTH)
    assert findings.errors == []
    assert len(findings.warnings) == 20
    assert findings.images == {"train": 32, "validation": 8}


def test_bad_rows_are_in_neither_part(undivided, format_name, images, labels):
    # A constant image, which every format can hold.
    shutil.rmtree(undivided)
    levels = images["train"].copy()
    levels[4] = 7
    made = undivided.parent / "made"
    WHOLE[format_name](made, "train", levels, labels["train"])
    (made / "train").rename(undivided)
    _, findings = check_folder(str(undivided), LAYOUT, Tolerance(max_bad_rows=1), division=FIFTH)
    assert findings.errors == []
    assert findings.images == {"train": 15, "validation": 4}
    _, findings = check_folder(str(undivided), LAYOUT, division=FIFTH)
    assert len(findings.errors) == 1
