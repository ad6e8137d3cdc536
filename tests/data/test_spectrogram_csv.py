"""Reading spectrogram CSV files: the values, and the words for every bad cell."""

import io

import numpy as np
import pytest

from data.invalid import InvalidData
from data.seed_layout import csv_bytes
from data.spectrogram_csv import check_layout, count_rows, read_images, read_labels

PIXELS = 6


def reading(text: bytes):
    """An opener that finds this text behind every name."""
    return lambda path: io.BytesIO(text)


def levels_of(text: bytes, pixels: int = PIXELS) -> np.ndarray:
    blocks = list(read_images("images.csv", pixels, opener=reading(text)))
    assert [block.first_row for block in blocks] == list(
        np.cumsum([0] + [len(block.levels) for block in blocks[:-1]])
    )
    return np.concatenate([block.levels for block in blocks])


@pytest.fixture
def levels():
    return np.random.default_rng(0).integers(0, 256, (50, PIXELS), dtype=np.uint8)


def test_every_grey_level_survives_being_written_and_read():
    every = np.arange(256, dtype=np.uint8).reshape(1, -1)
    np.testing.assert_array_equal(levels_of(csv_bytes(every), 256), every)


def test_general_numbers_are_read_to_the_nearest_level():
    text = b"0,1,0.5,1.0,2.5e-1,.75\n"
    np.testing.assert_array_equal(levels_of(text), [[0, 255, 128, 255, 64, 191]])


def test_fixed_width_and_general_parsing_agree(levels):
    text = csv_bytes(levels)
    spaced = text.replace(b",", b", ").replace(b", ", b",0")  # "00.631373" is not fixed width
    np.testing.assert_array_equal(levels_of(spaced), levels_of(text))


@pytest.mark.parametrize(
    "rewritten",
    [
        pytest.param(lambda text: text[:-1], id="no newline at the end"),
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="Windows line ends"),
    ],
)
def test_line_ends_may_vary(levels, rewritten):
    np.testing.assert_array_equal(levels_of(rewritten(csv_bytes(levels))), levels)


def test_blocks_join_wherever_the_file_is_cut(levels, monkeypatch):
    monkeypatch.setattr("data.spectrogram_csv._BLOCK_BYTES", 100)
    np.testing.assert_array_equal(levels_of(csv_bytes(levels)), levels)


GOOD = b"0.1,0.2,0.3,0.4,0.5,0.6\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"0.1,0.2,0.3,0.4,0.5\n", "images.csv, row 3: 5 values where 6 are expected."),
        (b"0.1,0.2,0.3,0.4,0.5,0.6,0.7\n", "images.csv, row 3: 7 values where 6 are expected."),
        (
            b"0.1,0.2,oops,0.4,0.5,0.6\n",
            'images.csv, row 3, column 3: "oops" is not a number.',
        ),
        (b"\n", "images.csv, row 3 is empty. Remove the line, or fill it."),
        (b"0.1,0.2,0.3,,0.5,0.6\n", 'images.csv, row 3, column 4: "" is not a number.'),
        (
            b"0.1,0.2,0.3,0.4,0.5,nan\n",
            "images.csv, row 3, column 6: nan is not between 0 and 1. "
            "Values are grey levels between 0 and 1.",
        ),
        (
            b"0.1,inf,0.3,0.4,0.5,0.6\n",
            "images.csv, row 3, column 2: inf is not between 0 and 1. "
            "Values are grey levels between 0 and 1.",
        ),
        (
            b"0.1,0.2,0.3,0.4,161,0.6\n",
            "images.csv, row 3, column 5: 161 is not between 0 and 1. "
            "Divide 0..255 grey levels by 255.",
        ),
        (
            b"-0.1,0.2,0.3,0.4,0.5,0.6\n",
            "images.csv, row 3, column 1: -0.1 is not between 0 and 1. "
            "Values are grey levels between 0 and 1.",
        ),
    ],
)
def test_a_bad_row_is_refused_with_its_place(line, message):
    with pytest.raises(InvalidData) as refused:
        levels_of(GOOD * 2 + line + GOOD)
    assert str(refused.value) == message


def test_a_value_above_one_in_the_published_format_is_refused():
    with pytest.raises(InvalidData, match=r"row 1, column 2: 1\.5 is not between 0 and 1"):
        levels_of(b"0.631373,1.500000\n", pixels=2)


def test_a_header_row_is_recognised_as_one():
    with pytest.raises(InvalidData, match=r"row 1, .*write the file without a header"):
        levels_of(b"0,1,2,3,4,5\n" + GOOD)


def test_a_value_hardly_above_one_is_shown_with_all_its_digits():
    with pytest.raises(InvalidData, match=r"column 2: 1\.0000001 is not between 0 and 1"):
        levels_of(b"0.5,1.0000001\n", pixels=2)


def test_an_empty_row_of_labels_is_refused():
    with pytest.raises(InvalidData, match=r"labels\.csv, row 2 is empty"):
        read_labels("labels.csv", 3, opener=reading(b"1,0,0\n\n0,1,0\n"))


def test_a_folder_where_a_file_should_be_is_refused(folder):
    (folder / "train" / "images.csv").unlink()
    (folder / "train" / "images.csv").mkdir()
    with pytest.raises(InvalidData, match=r"train/images\.csv cannot be read: Is a directory"):
        check_layout(str(folder), 2, 3, 2)


def test_labels_become_class_indices():
    text = b"1.000000,0.000000,0.000000\n0,0,1\n0.0,1.0,0.0\n"
    np.testing.assert_array_equal(read_labels("l", 3, opener=reading(text)), [0, 2, 1])


@pytest.mark.parametrize("row", [b"0,0,0", b"1,1,0", b"0.5,0.5,0", b"0,0,2"])
def test_a_label_that_is_not_one_hot_is_refused_with_its_row(row):
    with pytest.raises(InvalidData, match=r"labels\.csv, row 2: .*is not one-hot"):
        read_labels("labels.csv", 3, opener=reading(b"1,0,0\n" + row + b"\n"))


def test_labels_of_another_number_of_classes_are_refused():
    with pytest.raises(InvalidData, match=r"labels\.csv, row 1: 4 values where 3 are expected"):
        read_labels("labels.csv", 3, opener=reading(b"1,0,0,0\n"))


@pytest.mark.parametrize(("text", "rows"), [(b"", 0), (b"a\nb\n", 2), (b"a\nb", 2)])
def test_rows_are_counted_with_or_without_a_last_newline(text, rows):
    assert count_rows("x", opener=reading(text)) == rows


@pytest.fixture
def folder(tmp_path, levels):
    """A small good data folder: 50 images of 2 x 3 pixels a split, two classes."""
    labels = np.eye(2, dtype=np.uint8)[np.arange(50) % 2] * 255
    for split in ("train", "validation"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "images.csv").write_bytes(csv_bytes(levels))
        (tmp_path / split / "labels.csv").write_bytes(csv_bytes(labels))
    return tmp_path


def test_a_good_folder_tells_its_counts(folder):
    assert check_layout(str(folder), 2, 3, 2) == {"train": 50, "validation": 50}


def cut_images(folder):
    path = folder / "train" / "images.csv"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "validation" / "labels.csv").unlink(),
            r"validation/labels\.csv is missing\. A data folder holds images\.csv and labels\.csv",
        ),
        (
            lambda folder: (folder / "train" / "images.csv").write_bytes(b""),
            r"train/images\.csv is empty\. It needs one row of 6 values an image",
        ),
        (
            lambda folder: (folder / "train" / "labels.csv").write_bytes(b""),
            r"train/labels\.csv is empty",
        ),
        (
            lambda folder: (folder / "train" / "images.csv").write_bytes(b"0.1,0.2\n"),
            r"train/images\.csv, row 1: 2 values where 2 x 3 = 6 are expected\. "
            r"Set height and width",
        ),
        (
            cut_images,
            r"train/images\.csv has 49 rows but .*train/labels\.csv has 50",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_before_reading_it(folder, damage, message):
    damage(folder)
    with pytest.raises(InvalidData, match=message):
        check_layout(str(folder), 2, 3, 2)


def test_a_folder_that_is_not_there_is_refused_with_the_way_to_make_one(tmp_path):
    with pytest.raises(InvalidData, match=r"does not exist.*radio-signals data simulate DIR"):
        check_layout(str(tmp_path / "nowhere"), 2, 3, 2)
