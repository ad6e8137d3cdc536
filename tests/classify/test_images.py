"""Spectrograms in every format: a row for each, in order, and what is done about bad ones."""

import csv
import gzip
import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from components.spectrogram_example_gen.file_systems import choose_files
from data.example_features import CLASS_NAME, IMAGE, LABEL
from data.invalid import InvalidData
from data.reading.layout import Layout
from data.reading.voltages import render_voltage
from pipeline.classify.inputs.batches import (
    Block,
    LeftOut,
    fill_batches,
    map_ahead,
    read_ahead,
)
from pipeline.classify.inputs.finder import Finder
from tests.classify.hand_made_model import GREYS, HEIGHT, WIDTH

# Mean levels of 51, 127 and 204, so that the hand-made model is certain.
ORDER = ["dark", "light", "grey", "light", "dark"]
MEANS = {"dark": 41, "grey": 117, "light": 194}
LEVELS = np.stack(
    [
        np.random.default_rng(row).integers(MEANS[name], MEANS[name] + 20, (HEIGHT, WIDTH))
        for row, name in enumerate(ORDER)
    ]
).astype(np.uint8)
LABELS = [GREYS.index(name) for name in ORDER]


def write_csv(path, labels=False, header=False, levels=LEVELS, opener=open):
    with opener(path, "wt") as file:
        lines = csv.writer(file, lineterminator="\n")
        if header:
            lines.writerow([f"p{n}" for n in range(levels[0].size)] + ["label"] * labels)
        for row, name in zip(levels.reshape(len(levels), -1).tolist(), ORDER, strict=False):
            lines.writerow(row + [name] * labels)
    return path


def write_npy(path, array=LEVELS):
    np.save(path, array)
    return path


def write_npz(path, **arrays):
    np.savez(path, images=LEVELS, **arrays)
    return path


def write_idx(path):
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", *LEVELS.shape)
    path.write_bytes(gzip.compress(header + LEVELS.tobytes()))
    return path


def write_pictures(folder, names=("a", "b", "c", "d", "e")):
    for name, levels in zip(names, LEVELS, strict=False):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels).save(path)
    return folder


def write_examples(path, compression="", **features):
    def example(row):
        values = {
            IMAGE: LEVELS[row].tobytes(),
            **{key: each[row] for key, each in features.items()},
        }
        made = {
            key: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
            if isinstance(value, int)
            else tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
            for key, value in values.items()
        }
        return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()

    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for row in range(len(LEVELS)):
            writer.write(example(row))
    return path


def write_data_folder(folder):
    for split, rows in (("train", slice(0, 2)), ("validation", slice(2, 5))):
        (folder / split).mkdir(parents=True)
        write_csv(folder / split / "images.csv", levels=LEVELS[rows])
        (folder / split / "labels.csv").write_text("\n".join(ORDER[rows]) + "\n")
    return folder


def write_loose_folder(folder):
    folder.mkdir()
    write_csv(folder / "1.csv", levels=LEVELS[:1])
    write_npy(folder / "2.npy", LEVELS[1])
    Image.fromarray(LEVELS[2]).save(folder / "3.png")
    write_npy(folder / "4.npy", LEVELS[3:])
    (folder / "README.txt").write_text("hello")
    return folder


NAMES = [name.encode() for name in ORDER]


@pytest.mark.parametrize(
    ("name", "write", "places"),
    [
        ("a.csv", write_csv, [("a.csv", n) for n in (1, 2, 3, 4, 5)]),
        ("a.csv", lambda path: write_csv(path, header=True), [("a.csv", n) for n in range(2, 7)]),
        ("a.csv", lambda path: write_csv(path, True), [("a.csv", n) for n in range(1, 6)]),
        (
            "a.csv.gz",
            lambda path: write_csv(path, opener=gzip.open),
            [("a.csv.gz", n) for n in range(1, 6)],
        ),
        ("a.npy", write_npy, [("a.npy", n) for n in range(1, 6)]),
        ("a.npy", lambda path: write_npy(path, LEVELS / 255), [("a.npy", n) for n in range(1, 6)]),
        ("a.npz", write_npz, [("a.npz", n) for n in range(1, 6)]),
        ("a.npz", lambda path: write_npz(path, labels=ORDER), [("a.npz", n) for n in range(1, 6)]),
        ("x-idx3-ubyte.gz", write_idx, [("x-idx3-ubyte.gz", n) for n in range(1, 6)]),
        ("a", write_pictures, [(f"a/{name}.png", 1) for name in "abcde"]),
        ("a.tfrecord", write_examples, [("a.tfrecord", n) for n in range(1, 6)]),
        (
            "a.tfrecord.gz",
            lambda path: write_examples(path, "GZIP", **{CLASS_NAME: NAMES, LABEL: LABELS}),
            [("a.tfrecord.gz", n) for n in range(1, 6)],
        ),
        (
            "a",
            write_data_folder,
            [
                *(("a/train/images.csv", n) for n in (1, 2)),
                *(("a/validation/images.csv", n) for n in (1, 2, 3)),
            ],
        ),
        (
            "a",
            write_loose_folder,
            [("a/1.csv", 1), ("a/2.npy", 1), ("a/3.png", 1), ("a/4.npy", 1), ("a/4.npy", 2)],
        ),
    ],
    ids=[
        "CSV",
        "header",
        "CSV with labels",
        "gzip",
        "NPY",
        "floats",
        "NPZ",
        "NPZ with labels",
        "IDX",
        "pictures",
        "TFRecord",
        "gzipped TFRecord",
        "data folder",
        "loose files",
    ],
)
def test_every_format_gives_the_same_classes_in_order(
    tmp_path, greys, classify, name, write, places
):
    rows = classify(write(tmp_path / name), "--model", greys)
    assert [row["class"] for row in rows] == ORDER
    assert [(row["source"], int(row["row"])) for row in rows] == [
        (str(tmp_path / path), number) for path, number in places
    ]
    # What the model itself says: softmax(-100 (mean - centre)^2).
    exact = -100 * (LEVELS.mean(axis=(1, 2))[:, None] / 255 - np.array([0.2, 0.5, 0.8])) ** 2
    exact = np.exp(exact) / np.exp(exact).sum(axis=1, keepdims=True)
    probabilities = [[float(row[f"p_{name}"]) for name in GREYS] for row in rows]
    np.testing.assert_allclose(probabilities, exact, atol=2e-5)
    np.testing.assert_allclose([float(row["score"]) for row in rows], exact.max(axis=1), atol=2e-5)


def test_a_picture_in_a_folder_named_after_a_class_has_that_label(tmp_path, greys, classify):
    write_pictures(tmp_path / "a", ("dark/1", "light/1", "monday/1", "light/2", "light/3"))
    rows = classify(tmp_path / "a", "--model", greys)
    assert [(row["source"].removeprefix(f"{tmp_path}/a/"), row["label"]) for row in rows] == [
        ("dark/1.png", "dark"),
        ("light/1.png", "light"),
        ("light/2.png", "light"),
        ("light/3.png", "light"),
        ("monday/1.png", ""),
    ]


def test_one_picture_of_another_size_is_resized_and_the_user_is_told(
    tmp_path, greys, classify, capsys
):
    Image.fromarray(np.repeat(np.repeat(LEVELS[1], 2, 0), 2, 1)).save(tmp_path / "large.png")
    (row,) = classify(tmp_path / "large.png", "--model", greys)
    assert row["class"] == "light"
    assert "pictures resized to 16 x 24 with anti-aliasing" in capsys.readouterr().out
    with pytest.raises(InvalidData, match=r"large\.png: the picture has 32 x 48 pixels"):
        classify(tmp_path / "large.png", "--model", greys, "--no-resize")


def write_voltages(seed):
    rng = np.random.default_rng(seed)
    voltage = 13 * rng.standard_normal((3, 16 * HEIGHT * WIDTH, 2))
    return np.clip(np.trunc(voltage), -127, 127).astype(np.int8)


def test_voltages_are_classified_as_the_spectrograms_that_are_made_of_them(
    tmp_path, greys, classify
):
    voltages = write_voltages(0)
    layout = Layout(GREYS, HEIGHT, WIDTH)
    levels = np.stack([render_voltage(each, layout) for each in voltages])
    write_npy(tmp_path / "levels.npy", levels)
    write_npy(tmp_path / "complex.npy", voltages.astype(np.float32).view(np.complex64)[..., 0])
    write_npy(tmp_path / "one.npy", voltages[0])
    (tmp_path / "a.dat").write_bytes(b'{"uuid": "a"}\n' + voltages[1].tobytes())
    (tmp_path / "b.dat").write_bytes(
        b'{"signal_classification": "light"}\n' + voltages[2].tobytes()
    )
    expected = [row["score"] for row in classify(tmp_path / "levels.npy", "--model", greys)]
    files = [tmp_path / name for name in ("complex.npy", "one.npy", "a.dat", "b.dat")]
    rows = classify(*files, "--model", greys)
    assert [row["score"] for row in rows] == [*expected, *expected]
    assert [(row["source"].rpartition("/")[2], row["row"]) for row in rows[2:]] == [
        ("complex.npy", "3"),
        ("one.npy", "1"),
        ("a.dat", "1"),
        ("b.dat", "1"),
    ]


def test_tables_of_all_formats_hold_the_same(tmp_path, greys, classify):
    write_csv(tmp_path / "a.csv", labels=True)
    for ending in ("csv", "jsonl", "parquet"):
        classify(tmp_path / "a.csv", "--model", greys, output=f"out.{ending}")
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert table.dtypes.astype(str).to_dict() == {
        "source": "object",
        "row": "int64",
        "class": "object",
        "score": "float32",
        "p_dark": "float32",
        "p_grey": "float32",
        "p_light": "float32",
        "uncertain": "bool",
        "label": "object",
    }
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    for other in (pd.DataFrame(lines), pd.read_csv(tmp_path / "out.csv")):
        pd.testing.assert_frame_equal(other, table, check_dtype=False)
    assert list(table["label"]) == ORDER


def test_a_class_is_uncertain_below_the_threshold(tmp_path, greys, classify):
    levels = np.full((3, HEIGHT, WIDTH), 51) + np.arange(3)[:, None, None] * 18
    levels[:, 0, 0] += 1
    write_npy(tmp_path / "a.npy", levels.astype(np.uint8))
    rows = classify(tmp_path / "a.npy", "--model", greys)
    assert [(round(float(row["score"]), 3), row["uncertain"]) for row in rows] == [
        (1.0, "False"),
        (0.992, "False"),
        (0.629, "True"),
    ]
    rows = classify(tmp_path / "a.npy", "--model", greys, "--threshold", 0.995)
    assert [row["uncertain"] for row in rows] == ["False", "True", "True"]


def test_labels_give_scikit_learns_report(tmp_path, greys, classify, capsys):
    write_data_folder(tmp_path / "a")
    (tmp_path / "a/validation/labels.csv").write_text("grey\nlight\ngrey\n")
    rows = classify(tmp_path / "a", "--model", greys, "--split", "validation")
    assert [(row["class"], row["label"]) for row in rows] == [
        ("grey", "grey"),
        ("light", "light"),
        ("dark", "grey"),
    ]
    output = capsys.readouterr().out
    assert output[output.index("class ") : output.index("table ")] == (
        "class     images  uncertain\n"
        "dark           1          0\n"
        "grey           1          0\n"
        "light          1          0\n"
        "\n"
        "              precision    recall  f1-score   support\n"
        "\n"
        "        dark     0.0000    0.0000    0.0000         0\n"
        "        grey     1.0000    0.5000    0.6667         2\n"
        "       light     1.0000    1.0000    1.0000         1\n"
        "\n"
        "    accuracy                         0.6667         3\n"
        "   macro avg     0.6667    0.5000    0.5556         3\n"
        "weighted avg     1.0000    0.6667    0.7778         3\n"
        "\n"
    )


def test_simulated_data_are_called_simulated(greys, tmp_path, classify, capsys):
    folder = write_data_folder(tmp_path / "a")
    record = {"simulated": True, "preset": "basic", "seed": 0}
    (folder / "SIMULATED.json").write_text(json.dumps(record))
    classify(folder / "train" / "images.csv", "--model", greys)
    assert "(SIMULATED: preset basic, seed 0)" in capsys.readouterr().out


def test_bad_rows_refuse_the_input_or_are_left_out_and_named(tmp_path, greys, classify, capsys):
    content = write_csv(tmp_path / "a.csv").read_text().splitlines()
    content[1] = content[1].replace(",", ";", 1)
    content[3] = ",".join(["7"] * HEIGHT * WIDTH)
    (tmp_path / "a.csv").write_text("\n".join(content) + "\n")
    (tmp_path / "out.csv").write_text("an older table")
    with pytest.raises(InvalidData) as error:
        classify(tmp_path / "a.csv", "--model", greys)
    assert str(error.value) == (
        "2 bad rows so far:\n"
        f"  {tmp_path}/a.csv, row 2: 383 values where 384 are expected.\n"
        f"  {tmp_path}/a.csv, row 4: all 384 values are 0.027451: a constant image holds no signal "
        "and no noise. Remove it.\n"
        "Correct these rows, or leave out up to N bad rows: --max-bad-rows N."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "out.csv"]
    assert (tmp_path / "out.csv").read_text() == "an older table"

    rows = classify(tmp_path / "a.csv", "--model", greys, "--max-bad-rows", 2)
    assert [(int(row["row"]), row["class"]) for row in rows] == [
        (1, "dark"),
        (3, "grey"),
        (5, "dark"),
    ]
    assert "\n2 bad rows were left out:\n" in capsys.readouterr().out


def test_a_bad_label_is_a_bad_row(tmp_path, greys, classify):
    write_data_folder(tmp_path / "a")
    (tmp_path / "a/validation/labels.csv").write_text("grey\npink\ngrey\n")
    with pytest.raises(InvalidData, match=r'validation/labels\.csv, row 2: "pink" is not a class'):
        classify(tmp_path / "a", "--model", greys)


def test_the_gallery_shows_the_most_and_the_least_certain_of_each_class(tmp_path, greys, classify):
    write_csv(tmp_path / "a.csv")
    classify(tmp_path / "a.csv", "--model", greys, "--plot", tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.size == (640, 690)


@pytest.mark.slow
def test_a_reader_that_stops_early_is_no_error(tmp_path, greys):
    write_npy(tmp_path / "a.npy", np.tile(LEVELS, (1000, 1, 1)))
    command = Path(sys.executable).with_name("radio-signals")
    process = subprocess.Popen(
        [command, "classify", tmp_path / "a.npy", "--model", greys],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "source,row,class,score,p_dark,p_grey,p_light,uncertain\n"
    process.stdout.close()
    # TensorFlow 2.21 writes what processor it found, whatever its log level.
    errors = process.stderr.read()
    assert "Error" not in errors
    assert "Traceback" not in errors
    assert process.wait() == 0


def test_rows_from_standard_input_are_answered_before_the_last_one_arrives(greys):
    rows = [",".join(map(str, row)) for row in LEVELS.reshape(5, -1).tolist()]
    layout = Layout(GREYS, HEIGHT, WIDTH, needs_labels=False)
    reader, writer = os.pipe()
    before = os.dup(0)
    os.dup2(reader, 0)
    try:
        os.write(writer, f"{rows[0]}\n{rows[1]}\n".encode())
        (part,) = Finder(layout, choose_files).find(["-"]).parts
        batches = read_ahead(fill_batches(part.read(), 256, LeftOut(0), part.is_live))
        assert next(batches).places == [("standard input", 1), ("standard input", 2)]
        os.write(writer, f"{rows[2]}\n{rows[3]}\n{rows[4]}".encode())
        os.close(writer)
        following = list(batches)
    finally:
        os.dup2(before, 0)
    places = [place for batch in following for place in batch.places]
    assert places == [("standard input", 3), ("standard input", 4), ("standard input", 5)]
    np.testing.assert_array_equal(following[-1].levels[-1], LEVELS[4].ravel())


@pytest.mark.parametrize("rows", [1, 3, 10, 100])
def test_the_model_begins_with_smaller_batches_and_no_row_is_lost(rows):
    numbers = np.arange(100)
    blocks = (
        Block(part[:, None].astype(np.uint8), part, [("file", n) for n in part.tolist()])
        for part in np.split(numbers, range(rows, 100, rows))
    )
    batches = list(fill_batches(blocks, 32, LeftOut(0)))
    assert [len(batch.levels) for batch in batches] == [8, 16, 32, 32, 12]
    np.testing.assert_array_equal(np.concatenate([batch.labels for batch in batches]), numbers)
    assert [place for batch in batches for _, place in batch.places] == numbers.tolist()


def test_two_batches_are_worked_on_at_a_time_and_come_out_in_order():
    second_ran = threading.Event()

    def work(number):
        if number == 0:
            assert second_ran.wait(timeout=30)
        second_ran.set()
        return 10 * number

    assert list(map_ahead(work, range(5))) == [0, 10, 20, 30, 40]


def test_a_batch_that_fails_raises_after_those_before_it():
    inverses = map_ahead(lambda number: 6 // number, [3, 2, 0, 1])
    assert [next(inverses), next(inverses)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(inverses)
