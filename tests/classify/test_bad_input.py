"""Everything that is refused, with the exact messages."""

import json
import struct

import numpy as np
import pytest
import tensorflow as tf

from data.invalid import InvalidData
from data.reading.layout import Layout
from pipeline.classify.find_model import find_model
from pipeline.classify.inputs.tfrecords import read_examples
from tests.classify.hand_made_model import GREYS, HEIGHT, WIDTH
from tests.data.telescope.files import make_noise, write_fil

PIXELS = HEIGHT * WIDTH
GOOD = np.random.default_rng(0).integers(0, 256, (3, HEIGHT, WIDTH), np.uint8)
SIZE = "16 x 24 = 384"


def write(content):
    return lambda path: path.write_bytes(content)


def save(array):
    return lambda path: np.save(path, array)


def write_record(image):
    def write(path):
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image]))
        features = tf.train.Features(feature={"image": feature})
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(tf.train.Example(features=features).SerializeToString())

    return write


def damage_record(path):
    write_record(GOOD[0].tobytes())(path)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def cut_record(path):
    write_record(GOOD[0].tobytes())(path)
    path.write_bytes(path.read_bytes()[:-10])


ROW = "Correct this row, or leave out up to N bad rows: --max-bad-rows N."
RECORD = "a.tfrecord is damaged or cut off in rows 1 to 1. Copy or write it again."


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        pytest.param("a.csv", lambda path: None, "a.csv is missing.", id="missing"),
        pytest.param("a.csv", write(b""), "a.csv is empty.", id="empty"),
        pytest.param(
            "a.csv",
            write(b"0.1,0.2\n"),
            f"a.csv has 2 values a row where {SIZE} are expected. "
            "Set height and width to the size of your spectrograms.",
            id="another width",
        ),
        pytest.param(
            "a.csv",
            write((",".join(["0.5", *(PIXELS - 1) * ["0.25"]]) + "\n" + "0.5\n").encode()),
            f"a.csv, row 2: 1 values where 384 are expected.\n{ROW}",
            id="short row",
        ),
        pytest.param(
            "a.csv",
            write(b"\x1f\x8b\x08\x00rest"),
            "a.csv is compressed with gzip, and its name does not say so. Rename it to end in .gz.",
            id="gzip",
        ),
        pytest.param(
            "a.npy",
            save(GOOD[:, :8]),
            "a.npy holds an array of shape (3, 8, 24), where (images, 16, 24) or (images, 384) is "
            "expected. Set height and width to the size of your spectrograms.",
            id="another size",
        ),
        pytest.param("a.npy", save(GOOD[:0]), "a.npy is empty.", id="no image"),
        pytest.param(
            "a.npy",
            save(np.array([{}], object)),
            "a.npy holds Python objects, which could run code when read. "
            "Save it as an array of numbers or of text.",
            id="objects",
        ),
        pytest.param(
            "a.npz",
            lambda path: np.savez(path, pictures=GOOD),
            "a.npz holds no array images; it holds pictures. "
            "Save it with numpy.savez(file, images=..., labels=...).",
            id="other arrays",
        ),
        pytest.param(
            "a.npz",
            write(b"PK\x03\x04 and nothing"),
            "a.npz is damaged, or no .npz archive: File is not a zip file. "
            "Save it with numpy.savez(file, images=..., labels=...).",
            id="damaged archive",
        ),
        pytest.param(
            "a.npz",
            lambda path: np.savez(path, images=GOOD, labels=np.array([0, 1])),
            "a.npz has 3 rows but a.npz has 2. Row n of one belongs to row n of the other, so both "
            "must have the same number.",
            id="missing labels",
        ),
        pytest.param(
            "a.png",
            write(b"\x89PNG and nothing"),
            "a.png: the picture is not PNG, JPEG, BMP or TIFF, whatever its name says: it begins "
            f"with 89 50 4e 47. Save it as PNG.\n{ROW}",
            id="damaged picture",
        ),
        pytest.param(
            "a.dat",
            write(b"no JSON\n"),
            "a.dat: the file does not begin with a line of JSON in braces, as files of the SETI "
            f"Institute do.\n{ROW}",
            id="no recording",
        ),
        pytest.param(
            "a.tfrecord",
            write_record(b"short"),
            "a.tfrecord, row 1: the feature image holds 5 bytes where 384 are expected, one for "
            f"each of 16 x 24 grey levels.\n{ROW}",
            id="short image",
        ),
        pytest.param(
            "a.tfrecord",
            damage_record,
            RECORD,
            id="damaged record",
        ),
        pytest.param("a.tfrecord", cut_record, RECORD, id="cut record"),
        pytest.param(
            "a.tfrecord",
            write(struct.pack("<QI", 1 << 31, 0)),
            "a.tfrecord has a record of 2,147,483,648 bytes, and one with such a spectrogram has "
            "at most 1,048,960. Is it a file of tf.Examples?",
            id="huge record",
        ),
        pytest.param(
            "a.fil",
            write(b"nothing"),
            "a.fil is no observation that can be read: it begins neither as a SIGPROC filterbank "
            "file (.fil) nor as HDF5 (.h5).",
            id="no observation",
        ),
        pytest.param(
            "a", lambda path: path.mkdir(), "a holds nothing that can be classified.", id="folder"
        ),
    ],
)
def test_input_that_cannot_be_used_is_named(tmp_path, greys, classify, name, make, message):
    make(tmp_path / name)
    with pytest.raises(InvalidData) as error:
        classify(tmp_path / name, "--model", greys, "--noise-class", "dark")
    assert str(error.value).replace(f"{tmp_path}/", "") == message
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--split", "train"],
            "a has no train data.",
        ),
        (
            ["--plots", "x"],
            "--plots draws the candidates of observations, and there is none. Use --plot.",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, greys, classify, options, message):
    (tmp_path / "a").mkdir()
    np.save(tmp_path / "a" / "a.npy", GOOD)
    with pytest.raises(InvalidData) as error:
        classify(tmp_path / "a", "--model", greys, *options)
    assert str(error.value).replace(f"{tmp_path}/", "") == message


def test_a_table_does_not_replace_its_input(tmp_path, greys, classify):
    rows = "\n".join(",".join(map(str, row)) for row in GOOD.reshape(3, -1).tolist())
    (tmp_path / "a.csv").write_text(rows)
    with pytest.raises(InvalidData) as error:
        classify(tmp_path / "a.csv", "--model", greys, output="a.csv")
    assert str(error.value) == (f"{tmp_path}/a.csv is an input. Choose another file for --output.")
    assert (tmp_path / "a.csv").read_text() == rows


def test_the_name_of_the_table_says_its_format(tmp_path, greys, classify):
    with pytest.raises(InvalidData) as error:
        classify(tmp_path / "a.csv", "--model", greys, output="out.xlsx")
    assert str(error.value) == (
        f"{tmp_path}/out.xlsx is no name of a table. Let it end with .csv, .jsonl, .parquet: CSV, "
        "lines of JSON or Parquet."
    )


def test_images_and_observations_have_tables_of_their_own(tmp_path, greys, classify):
    np.save(tmp_path / "a.npy", GOOD)
    write_fil(tmp_path / "b.fil", make_noise(HEIGHT, 100))
    with pytest.raises(InvalidData) as error:
        classify(tmp_path, "--model", greys)
    assert str(error.value).replace(f"{tmp_path}/", "") == (
        "b.fil is an observation and a.npy is not. Their tables have other columns: classify them "
        "separately."
    )


def test_a_model_is_found_in_a_version_a_serving_folder_and_an_output_folder(greys):
    version = str(greys / "serving" / "7")
    for folder in (greys, greys / "serving", version, f"{version}/"):
        model = find_model(str(folder))
        assert (model.version, model.path.rstrip("/")) == (7, version)


def test_without_a_sound_model_the_remedy_is_named(tmp_path, greys, caplog):
    with pytest.raises(InvalidData) as error:
        find_model(str(tmp_path))
    assert str(error.value) == (
        f"{tmp_path} holds no model. Train and push one with `radio-signals run --data DIR`, or "
        "name the folder of another one with --model."
    )
    copy = tmp_path / "serving" / "1"
    copy.mkdir(parents=True)
    (copy / "saved_model.pb").write_bytes(b"damaged")
    (copy / "assets.extra").mkdir()
    (copy / "assets.extra" / "model.json").write_text(
        json.dumps({"files": {"saved_model.pb": "0"}})
    )
    with pytest.raises(InvalidData) as error:
        find_model(str(tmp_path))
    assert str(error.value) == (
        f"{tmp_path}/serving holds no model that can be used: all 1 versions are damaged. "
        "Train and push another one with: radio-signals run --data DIR"
    )


def test_a_file_of_examples_is_not_read_ahead_of_its_checks(tmp_path):
    """The second record claims 2 GiB; the first batch is not given either."""
    write_record(GOOD[0].tobytes())(tmp_path / "a")
    with open(tmp_path / "a", "ab") as file:
        file.write(struct.pack("<QI", 1 << 31, 0))
    with pytest.raises(InvalidData, match="has a record of 2,147,483,648 bytes"):
        next(read_examples(str(tmp_path / "a"), Layout(GREYS, HEIGHT, WIDTH)))
