"""Galleries: which rows are read and drawn."""

import numpy as np
import pytest
from PIL import Image

from data import seed_layout
from data.invalid import InvalidData
from data.plots import gallery
from data.reading.layout import Layout
from data.simulation.dataset import simulate_dataset

SHAPE = (2, 3)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "set"
    simulate_dataset(directory, train=20, validation=4, workers=1, height=16, width=32)
    return directory


def write_rows(folder, image_lines, columns, classes=4):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "images.csv").write_text("".join(image_lines))
    one_hot = np.eye(classes, dtype=np.uint8)[columns] * 255
    (folder / "labels.csv").write_bytes(seed_layout.encode_csv(one_hot))
    return folder


def line(level, values=6):
    return ",".join([f"{level:.6f}"] * values) + "\n"


def read(folder, per_class=4, classes=("a", "b", "c", "d")):
    return gallery.read_examples(folder.parent, "train", per_class, Layout(classes, *SHAPE))


def test_a_gallery_is_a_png_of_some_size(simulated, tmp_path):
    path = gallery.draw_gallery(simulated, tmp_path / "new" / "gallery.png", per_class=3)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > 800
        assert picture.height > 700
        assert np.asarray(picture.convert("L")).std() > 20


def captured_title(monkeypatch, directory):
    titles = []
    monkeypatch.setattr(gallery, "draw_examples", lambda examples, output, t: titles.append(t))
    layout = Layout(seed_layout.CLASS_NAMES, 16, 32)
    gallery.draw_gallery(directory, "unused.png", layout=layout)
    return titles[0]


def test_the_title_says_that_data_are_simulated(simulated, monkeypatch):
    assert captured_title(monkeypatch, simulated) == (
        "set, train: simulated (preset basic, seed 0)"
    )


def test_the_title_of_other_data_does_not(simulated, monkeypatch, tmp_path):
    for name in ("images.csv", "labels.csv"):
        target = tmp_path / "real" / "train" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((simulated / "train" / name).read_bytes())
    assert captured_title(monkeypatch, tmp_path / "real") == "real, train"


def test_examples_are_grouped_by_the_class_of_their_label(simulated):
    layout = Layout(seed_layout.CLASS_NAMES, 16, 32)
    examples = gallery.read_examples(simulated, "train", 2, layout)
    shapes = {name: images.shape for name, images in examples.items()}
    assert shapes == dict.fromkeys(seed_layout.CLASS_NAMES, (2, 16, 32))
    # Rows 0-4 squiggle, 5-9 narrowband, 10-14 noise, 15-19 narrowbanddrd: first and last of each.
    rows = np.loadtxt(simulated / "train/images.csv", delimiter=",").reshape(20, 16, 32)
    np.testing.assert_allclose(examples["narrowband"] / 255, rows[[5, 9]], atol=1e-6)
    np.testing.assert_allclose(examples["narrowbanddrd"] / 255, rows[[15, 19]], atol=1e-6)


def test_rows_that_are_not_shown_may_be_bad(tmp_path):
    lines = [line(0.2), "not a number\n", line(0.4)]
    folder = write_rows(tmp_path / "train", lines, [0, 0, 0])
    np.testing.assert_array_equal(read(folder, per_class=2)["a"][:, 0, 0], [51, 102])


def test_a_class_without_rows_leaves_its_place_empty(tmp_path):
    folder = write_rows(tmp_path / "train", [line(0.1), line(0.2)], [0, 2])
    examples = read(folder)
    counts = {name: len(images) for name, images in examples.items()}
    assert counts == {"a": 1, "b": 0, "c": 1, "d": 0}
    assert gallery.draw_examples(examples, tmp_path / "g.png").exists()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line(0.1), line(0.2, 5)], r"images.csv, row 2: 5 values where 6 are expected"),
        ([line(0.1), "a,1,1,1,1,1\n"], r'images.csv, row 2, column 1: "a" is not a number'),
        ([line(0.1)], r"images.csv holds fewer rows than there are labels"),
    ],
)
def test_a_broken_row_is_named(tmp_path, lines, message):
    folder = write_rows(tmp_path / "train", lines, [0, 0])
    with pytest.raises(InvalidData, match=message):
        read(folder)


def test_labels_of_other_classes_are_an_error(tmp_path):
    folder = write_rows(tmp_path / "train", [line(0.1)], [0], classes=3)
    with pytest.raises(InvalidData, match=r"labels.csv has 3 values a row where 4 are expected"):
        read(folder)


def test_a_missing_split_is_an_error(simulated, tmp_path):
    with pytest.raises(InvalidData, match=r"has no split test"):
        gallery.draw_gallery(simulated, tmp_path / "g.png", split="test")
