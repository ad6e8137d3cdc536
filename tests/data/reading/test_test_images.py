"""A third split: test images, which every format may have."""

import gzip

import numpy as np
import pytest

from data.reading.check import check_folder
from data.reading.inventory import take_inventory
from data.reading.layout import Division, Tolerance
from data.reading.split import divide, split_images, split_labels
from tests.data.reading.test_division import LAYOUT, WHOLE
from tests.data.reading.test_formats import idx, paired

WRITERS = {**WHOLE, "idx": idx(gzip.compress, ".gz")}
PARTS = {"train": slice(0, 20), "validation": slice(20, 26), "test": slice(26, 30)}


@pytest.fixture
def levels(images):
    """By split, uint8 [rows, height, width], all different."""
    every = np.concatenate([images["train"], images["validation"]])
    return {split: every[rows] for split, rows in PARTS.items()}


@pytest.fixture
def classes(levels):
    """By split, int64 [rows]."""
    return {split: np.arange(len(rows)) % 2 for split, rows in levels.items()}


def list_errors(folder, **options):
    _, findings = check_folder(str(folder), LAYOUT, **options)
    return [str(error) for error in findings.errors]


@pytest.mark.parametrize("format_name", WRITERS)
def test_every_format_may_have_test_images(format_name, levels, classes, tmp_path):
    for split, rows in levels.items():
        (tmp_path / "data").mkdir(exist_ok=True)
        WRITERS[format_name](tmp_path / "data", split, rows, classes[split])
    inventory, findings = check_folder(str(tmp_path / "data"), LAYOUT)
    assert [str(error) for error in findings.errors] == []
    assert inventory.format == format_name
    assert inventory.splits == ("train", "validation", "test")
    assert findings.images == {"train": 20, "validation": 6, "test": 4}
    order = np.lexsort(levels["test"].reshape(4, -1).T)
    read = split_images(inventory, "test", LAYOUT)
    read_order = np.lexsort(read.reshape(4, -1).T)
    np.testing.assert_array_equal(read[read_order], levels["test"][order])
    own = split_labels(inventory, "test", LAYOUT)
    np.testing.assert_array_equal(own[read_order], classes["test"][order])


def test_without_test_images_there_are_two_splits(folder, layout):
    inventory, findings = check_folder(str(folder), layout)
    assert inventory.splits == tuple(findings.images) == ("train", "validation")


def test_only_training_images_are_set_aside_for_validation(levels, classes, tmp_path):
    for split in ("train", "test"):
        paired()(tmp_path, split, levels[split], classes[split])
    inventory, findings = check_folder(str(tmp_path), LAYOUT, division=Division(0.2, seed=7))
    assert [str(error) for error in findings.errors] == []
    assert findings.images == {"train": 16, "validation": 4, "test": 4}
    test = split_images(divide(inventory, LAYOUT), "test", LAYOUT)
    np.testing.assert_array_equal(test, levels["test"])


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ("train", "A model must not be evaluated on what it was trained on."),
        ("validation", "A model must not be tested on what its epoch was chosen by."),
    ],
)
def test_a_test_image_that_is_in_another_split_is_refused(other, reason, levels, classes, tmp_path):
    levels["test"][3] = levels[other][1]
    for split, rows in levels.items():
        paired()(tmp_path, split, rows, classes[split])
    message = (
        f"{tmp_path}/test/images.csv, row 4: the spectrogram is the same as that of "
        f"{tmp_path}/{other}/images.csv, row 2. {reason}"
    )
    assert list_errors(tmp_path) == [message]
    _, findings = check_folder(str(tmp_path), LAYOUT, Tolerance(allow_duplicates=True))
    assert [str(warning) for warning in findings.warnings] == [message]


def test_test_images_need_labels_and_every_class(levels, classes, tmp_path):
    classes["test"][:] = 1
    for split, rows in levels.items():
        paired()(tmp_path, split, rows, classes[split])
    assert list_errors(tmp_path) == [
        f"{tmp_path}/test/labels.csv has no image of the class noise. Every split needs some of "
        "each class; set classes to those in the data."
    ]
    (tmp_path / "test" / "labels.csv").unlink()
    (error,) = list_errors(tmp_path)
    assert error.startswith(f"{tmp_path}/test/labels.csv is missing.")


def test_t10k_files_are_for_validation_unless_there_are_validation_files(levels, classes, tmp_path):
    write = idx(gzip.compress, ".gz", {"test": "t10k"})
    for split in ("train", "test"):
        write(tmp_path, split, levels[split], classes[split])
    inventory = take_inventory(str(tmp_path), LAYOUT)
    assert inventory.splits == ("train", "validation")
    np.testing.assert_array_equal(split_images(inventory, "validation", LAYOUT), levels["test"])
    write(tmp_path, "validation", levels["validation"], classes["validation"])
    inventory = take_inventory(str(tmp_path), LAYOUT)
    assert inventory.splits == ("train", "validation", "test")
    np.testing.assert_array_equal(split_images(inventory, "test", LAYOUT), levels["test"])
