"""Everything that refuses a data folder, with the exact messages."""

import gzip

import numpy as np
import pytest

from data.invalid import InvalidData
from data.reading.check import check_folder
from data.reading.layout import FORMAT_NAMES, Tolerance


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def replace_line(path, row, line):
    lines = lines_of(path)
    lines[row - 1] = line
    path.write_bytes(b"".join(lines))


def replace_cell(path, row, column, cell):
    cells = lines_of(path)[row - 1].rstrip(b"\n").split(b",")
    cells[column - 1] = cell
    replace_line(path, row, b",".join(cells) + b"\n")


def errors_of(folder, layout, **tolerance):
    _, findings = check_folder(str(folder), layout, Tolerance(**tolerance))
    return [str(error).replace(f"{folder}/", "") for error in findings.errors]


NEEDS = (
    "A data folder of this format holds images.csv and labels.csv in each of train/ and "
    "validation/."
)
IMAGES, LABELS = "train/images.csv", "train/labels.csv"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(
            lambda d: (d / IMAGES).unlink(),
            f"train/images.csv is missing. {NEEDS}",
            id="missing images",
        ),
        pytest.param(
            lambda d: (d / "validation/labels.csv").unlink(),
            f"validation/labels.csv is missing. {NEEDS}",
            id="missing labels",
        ),
        pytest.param(
            lambda d: (d / "validation").rename(d / "val"),
            f"validation is missing. {NEEDS} To set aside some of the training data instead: "
            "--validation-fraction 0.2.",
            id="missing split",
        ),
        pytest.param(
            lambda d: (d / IMAGES).write_bytes(b""), "train/images.csv is empty.", id="no images"
        ),
        pytest.param(
            lambda d: (d / LABELS).write_bytes(b"\n"), "train/labels.csv is empty.", id="no labels"
        ),
        pytest.param(
            lambda d: replace_line(d / IMAGES, 4, b"0.1,0.2,0.3,0.4,0.5\n"),
            "train/images.csv, row 4: 5 values where 6 are expected.",
            id="too few columns",
        ),
        pytest.param(
            lambda d: replace_line(d / IMAGES, 1, b"0.1,0.2,0.3,0.4,0.5,0.6,0.7\n"),
            "train/images.csv, row 1: 7 values where 6 are expected.",
            id="too many columns",
        ),
        pytest.param(
            lambda d: (d / IMAGES).write_bytes(b"0.1,0.2,0.3,0.4\n" * 20),
            "train/images.csv has 4 values a row where 2 x 3 = 6 are expected. "
            "Set height and width to the size of your spectrograms.",
            id="another size",
        ),
        pytest.param(
            lambda d: replace_line(d / IMAGES, 7, b"0.1;0.2;0.3;0.4;0.5;0.6\n"),
            "train/images.csv, row 7: 1 values where 6 are expected. "
            "They are separated by semicolons: separate them by commas.",
            id="another separator",
        ),
        pytest.param(
            lambda d: replace_line(d / IMAGES, 7, b"\n"),
            "train/images.csv, row 7: the line is empty. Remove it, or fill it.",
            id="empty line",
        ),
        pytest.param(
            lambda d: replace_cell(d / IMAGES, 20, 3, b"oops"),
            'train/images.csv, row 20, column 3: "oops" is not a number.',
            id="text",
        ),
        pytest.param(
            lambda d: replace_cell(d / IMAGES, 2, 6, b""),
            'train/images.csv, row 2, column 6: "" is not a number.',
            id="empty cell",
        ),
        pytest.param(
            lambda d: replace_cell(d / IMAGES, 2, 1, b"nan"),
            "train/images.csv, row 2, column 1: nan is not between 0 and 1. "
            "Values are grey levels between 0 and 1.",
            id="NaN",
        ),
        pytest.param(
            lambda d: replace_cell(d / IMAGES, 2, 1, b"-inf"),
            "train/images.csv, row 2, column 1: -inf is not between 0 and 1. "
            "Values are grey levels between 0 and 1.",
            id="infinity",
        ),
        pytest.param(
            lambda d: replace_cell(d / IMAGES, 2, 1, b"1.000001"),
            "train/images.csv, row 2, column 1: 1.000001 is not between 0 and 1. "
            "Values are grey levels between 0 and 1.",
            id="hardly out of range",
        ),
        pytest.param(
            lambda d: replace_cell(d / IMAGES, 2, 1, b"161"),
            "train/images.csv, row 2, column 1: 161 is not between 0 and 1. "
            "Divide 0..255 grey levels by 255, or set input.values=levels.",
            id="another scale",
        ),
        pytest.param(
            lambda d: replace_line(d / IMAGES, 2, b"0.1,x,0.3,y,0.5,z\n"),
            'train/images.csv, row 2, column 2: "x" is not a number. '
            "(2 more of this row's values are wrong.)",
            id="several cells of a row",
        ),
        pytest.param(
            lambda d: replace_line(d / LABELS, 20, b""),
            "train/images.csv has 20 rows but train/labels.csv has 19. Row n of one belongs to "
            "row n of the other, so both must have the same number.",
            id="other numbers of rows",
        ),
        pytest.param(
            lambda d: replace_line(d / LABELS, 3, b"1.0,1.0\n"),
            "train/labels.csv, row 3: the label (1, 1) is not one-hot. "
            "Exactly one of its values must be 1 and the others 0.",
            id="not one-hot",
        ),
        pytest.param(
            lambda d: replace_line(d / LABELS, 3, b"0.5,0.5\n"),
            "train/labels.csv, row 3: the label (0.5, 0.5) is not one-hot. "
            "Exactly one of its values must be 1 and the others 0.",
            id="soft label",
        ),
        pytest.param(
            lambda d: (d / LABELS).write_bytes(b"1,0,0\n" * 20),
            "train/labels.csv has 3 values a row where 2 are expected, one for each class "
            "(noise, line). Set classes to those of your data.",
            id="other classes",
        ),
        pytest.param(
            lambda d: (d / LABELS).write_bytes(b"noise\nline\n" * 9 + b"noise\npulse\n"),
            'train/labels.csv, row 20: "pulse" is not a class. Classes are noise, line, or 0 to 1; '
            "set classes to the names in the data.",
            id="unknown class name",
        ),
        pytest.param(
            lambda d: (d / LABELS).write_bytes(b"line,noise\n" + b"1,0\n" * 20),
            "train/labels.csv has a header that names its columns line, noise, but the classes are "
            "configured as noise, line. Set classes to the header's names, in its order.",
            id="classes in another order",
        ),
        pytest.param(
            lambda d: (d / LABELS).write_bytes(b"1,0\n" * 20),
            "train/labels.csv has no image of the class line. Every split needs some of each "
            "class; set classes to those in the data.",
            id="absent class",
        ),
        pytest.param(
            lambda d: (d / IMAGES).write_bytes((d / IMAGES).read_bytes()[:-31]),
            "train/images.csv, row 20: the file ends after 3 of the row's 6 values. "
            "It was cut off: copy or write it again.",
            id="truncated row",
        ),
        pytest.param(
            lambda d: (d / IMAGES).write_bytes((d / IMAGES).read_bytes()[:-3]),
            "train/images.csv, row 20: the file ends within the row's last value. "
            "It was cut off: copy or write it again.",
            id="truncated value",
        ),
        pytest.param(
            lambda d: (d / IMAGES).write_text((d / IMAGES).read_text(), encoding="utf-16"),
            "train/images.csv is not plain text: it is UTF-16. Save it as UTF-8 or ASCII.",
            id="UTF-16",
        ),
        pytest.param(
            lambda d: (d / IMAGES).write_text((d / IMAGES).read_text(), encoding="utf-16-le"),
            "train/images.csv is not plain text: it holds zero bytes. Save it as UTF-8 or ASCII.",
            id="UTF-16 without a mark",
        ),
        pytest.param(
            lambda d: replace_cell(d / IMAGES, 9, 2, "½".encode("latin-1")),
            'train/images.csv, row 9, column 2: "\\xbd" is not a number.',
            id="another 8-bit encoding",
        ),
        pytest.param(
            lambda d: (d / IMAGES).write_bytes(gzip.compress((d / IMAGES).read_bytes())),
            "train/images.csv is compressed with gzip, and its name does not say so. "
            "Rename it to end in .gz.",
            id="compressed under another name",
        ),
        pytest.param(
            lambda d: (
                (d / "train/images.csv.gz").write_bytes(
                    gzip.compress((d / IMAGES).read_bytes())[:-20]
                ),
                (d / IMAGES).unlink(),
            ),
            "train/images.csv.gz is cut off: its compressed content ends too early. Copy it again.",
            id="truncated gzip",
        ),
        pytest.param(
            lambda d: replace_line(d / IMAGES, 5, b"0.5,0.5,0.5,0.5,0.5,0.5\n"),
            "train/images.csv, row 5: all 6 values are 0.501961: a constant image holds no signal "
            "and no noise. Remove it.",
            id="constant image",
        ),
        pytest.param(
            lambda d: replace_line(d / "validation/images.csv", 4, lines_of(d / IMAGES)[11]),
            "validation/images.csv, row 4: the spectrogram is the same as that of "
            "train/images.csv, row 12. A model must not be evaluated on what it was trained on.",
            id="leak",
        ),
        pytest.param(
            lambda d: replace_line(d / "validation/images.csv", 4, lines_of(d / IMAGES)[12]),
            "validation/images.csv, row 4: the spectrogram is the same as that of "
            "train/images.csv, row 13, but the label differs. "
            "A model must not be evaluated on what it was trained on.",
            id="leak with another label",
        ),
    ],
)
def test_one_fault_is_one_error_with_its_place(folder, layout, damage, message):
    damage(folder)
    assert errors_of(folder, layout) == [message]


def test_a_good_folder_has_no_errors_and_tells_its_counts(folder, layout):
    inventory, findings = check_folder(str(folder), layout)
    assert inventory.format == "csv-pair"
    assert findings.errors == findings.warnings == findings.dropped == []
    assert findings.counts == {
        "train": {"noise": 10, "line": 10},
        "validation": {"noise": 5, "line": 5},
    }


def test_a_missing_folder_is_refused_with_the_command_that_makes_one(tmp_path, layout):
    with pytest.raises(InvalidData) as error:
        check_folder(str(tmp_path / "nowhere"), layout)
    assert str(error.value) == (
        f"The data folder {tmp_path}/nowhere does not exist. Give a folder that holds train/ and "
        "validation/, or make one with: radio-signals data simulate DIR"
    )


def test_a_folder_of_something_else_is_refused_with_the_formats_that_can_be_read(tmp_path, layout):
    (tmp_path / "notes.txt").write_text("hello")
    (error,) = errors_of(tmp_path, layout)
    first, *formats = error.splitlines()
    assert first.endswith("holds no data in a format that can be read. A data folder holds")
    assert [line.split()[0] for line in formats] == list(FORMAT_NAMES)


def test_two_formats_in_one_folder_are_refused(folder, layout):
    np.save(folder / "train" / "images.npy", np.zeros((1, 2, 3)))
    (error,) = errors_of(folder, layout)
    assert error == (
        f"{folder} holds files of more than one format: csv-pair and npy. "
        "Set input.format to one of them."
    )


def test_everything_that_is_wrong_is_reported_at_once(folder, layout):
    replace_cell(folder / IMAGES, 2, 1, b"nan")
    replace_cell(folder / IMAGES, 19, 6, b"oops")
    replace_line(folder / LABELS, 7, b"0,0\n")
    replace_cell(folder / "validation/images.csv", 1, 1, b"7")
    (folder / "validation/labels.csv").write_bytes(b"")
    _, findings = check_folder(str(folder), layout)
    places = [(error.path.removeprefix(f"{folder}/"), error.row) for error in findings.errors]
    assert places == [
        ("validation/labels.csv", 0),
        (IMAGES, 2),
        (IMAGES, 19),
        (LABELS, 7),
        ("validation/images.csv", 1),
    ]
    with pytest.raises(InvalidData) as error:
        findings.raise_errors(str(folder))
    text = str(error.value).splitlines()
    assert text[0] == f"5 problems in {folder}:"
    assert text[2] == (
        f"  {folder}/train/images.csv, row 2, column 1: nan is not between 0 and 1. "
        "Values are grey levels between 0 and 1."
    )
    assert text[-1] == "Correct these rows, or leave them out: --max-bad-rows 4."


def test_a_long_list_is_cut_with_the_total(folder, layout):
    lines = [b"x,0,0,0,0,0\n"] * 20 + [b""]
    (folder / IMAGES).write_bytes(b"".join(lines))
    replace_cell(folder / "validation/images.csv", 1, 1, b"7")
    _, findings = check_folder(str(folder), layout)
    text = findings.describe("d").splitlines()
    assert len(findings.errors) == 21
    assert text[0] == "21 problems in d:"
    assert text[-2] == "  ... and 1 more, 21 in all."


def test_the_same_spectrogram_twice_in_a_split_is_a_warning(folder, layout):
    replace_line(folder / IMAGES, 9, lines_of(folder / IMAGES)[2])
    _, findings = check_folder(str(folder), layout)
    assert findings.errors == []
    assert [str(warning).replace(f"{folder}/", "") for warning in findings.warnings] == [
        "train/images.csv, row 9: the spectrogram is the same as that of train/images.csv, row 3."
    ]


def test_leaks_can_be_allowed_and_are_then_warnings(folder, layout):
    replace_line(folder / "validation/images.csv", 4, lines_of(folder / IMAGES)[11])
    _, findings = check_folder(str(folder), layout, Tolerance(allow_duplicates=True))
    assert findings.errors == []
    assert [(warning.path, warning.row) for warning in findings.warnings] == [
        (f"{folder}/validation/images.csv", 4)
    ]
    _, findings = check_folder(str(folder), layout)
    assert findings.remedy == "Remove them from one of the two, or allow it: --allow-duplicates."


def test_bad_rows_can_be_left_out_and_are_then_listed(folder, layout):
    replace_cell(folder / IMAGES, 2, 1, b"nan")
    replace_line(folder / LABELS, 7, b"0,0\n")
    replace_line(folder / "validation/images.csv", 4, lines_of(folder / IMAGES)[11])
    _, findings = check_folder(str(folder), layout, Tolerance(max_bad_rows=3))
    assert findings.errors == []
    assert [(p.path.removeprefix(f"{folder}/"), p.row) for p in findings.dropped] == [
        (IMAGES, 2),
        (LABELS, 7),
        ("validation/images.csv", 4),
    ]
    assert findings.dropped_rows == {
        f"{folder}/train/images.csv": {1, 6},
        f"{folder}/validation/images.csv": {3},
    }
    assert findings.counts == {
        "train": {"noise": 9, "line": 9},
        "validation": {"noise": 5, "line": 4},
    }


def test_more_bad_rows_than_allowed_are_all_errors(folder, layout):
    for row in (2, 3, 4):
        replace_cell(folder / IMAGES, row, 1, b"nan")
    _, findings = check_folder(str(folder), layout, Tolerance(max_bad_rows=2))
    assert [error.row for error in findings.errors] == [2, 3, 4]
    assert findings.dropped == []
    assert findings.remedy == "There are 3 bad rows; --max-bad-rows allows 2."


def test_leaving_out_rows_must_not_empty_a_class(folder, layout):
    for row in range(2, 21, 2):
        replace_cell(folder / IMAGES, row, 1, b"nan")
    assert errors_of(folder, layout, max_bad_rows=10) == [
        "train/labels.csv has no image of the class line. Every split needs some of each class; "
        "set classes to those in the data."
    ]


def test_missing_rows_cannot_be_left_out_because_the_pairs_are_uncertain(folder, layout):
    replace_line(folder / LABELS, 20, b"")
    (error,) = errors_of(folder, layout, max_bad_rows=20)
    assert error.startswith("train/images.csv has 20 rows but train/labels.csv has 19.")
