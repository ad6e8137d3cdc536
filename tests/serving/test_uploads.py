"""Files that people drop on the page: every kind is read, and what cannot be is named."""

import io

import numpy as np
import pytest
from PIL import Image

from data.invalid import InvalidData
from pipeline.serving.served_model import ServedModel
from pipeline.serving.uploads import MOST_SHOWN, read_upload
from tests.data.telescope.files import make_noise, write_fil

HEIGHT, WIDTH = 16, 24
CARD = {"classes": ["stripe", "dot", "nothing"], "height": HEIGHT, "width": WIDTH}
MODEL = ServedModel(1, CARD, {}, {})
LEVELS = np.random.default_rng(0).integers(0, 256, (40, HEIGHT, WIDTH), np.uint8)


def read(content: bytes, name="a.csv"):
    return read_upload(content, name, MODEL)


def write_csv(values, label="") -> bytes:
    lines = [",".join(map(str, row)) + label for row in values.reshape(len(values), -1)]
    return "\n".join(lines).encode() + b"\n"


def save(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def draw(size=(WIDTH, HEIGHT)) -> bytes:
    file = io.BytesIO()
    Image.fromarray(LEVELS[0]).resize(size, Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (write_csv(LEVELS[:2]), ["row 1", "row 2"]),
        (write_csv(LEVELS[:2] / 255), ["row 1", "row 2"]),
        (write_csv(LEVELS[:1]).rstrip(b"\n"), ["row 1"]),
        (write_csv(LEVELS[:2], ",dot"), ["row 1, labelled dot", "row 2, labelled dot"]),
        (write_csv(LEVELS[:1], ",0,0,1"), ["row 1, labelled nothing"]),
        (save(LEVELS[:2]), ["image 1", "image 2"]),
        (save(LEVELS[0]), ["image 1"]),
        (save((LEVELS[0] / 255).astype(np.float32)), ["image 1"]),
        (draw(), [""]),
    ],
    ids=["CSV", "0 to 1", "one row", "label", "one-hot", "NPY", "one array", "floats", "PNG"],
)
def test_grey_levels_are_those_of_the_file(content, places):
    upload = read(content)
    assert upload.places == places
    assert upload.notes == []
    np.testing.assert_array_equal(upload.levels, LEVELS[: len(places)])


def test_an_archive_is_read():
    file = io.BytesIO()
    np.savez(file, images=LEVELS[:2])
    np.testing.assert_array_equal(read(file.getvalue()).levels, LEVELS[:2])


def test_only_the_first_spectrograms_of_a_long_file_are_read():
    for content in (write_csv(LEVELS), save(LEVELS)):
        upload = read(content)
        assert len(upload.levels) == len(upload.places) == MOST_SHOWN == 32
        assert upload.notes == ["Only the first 32 spectrograms of the file are shown."]


def test_a_picture_of_another_size_is_resized_which_is_noted():
    upload = read(draw(size=(2 * WIDTH, 2 * HEIGHT)))
    assert upload.levels.shape == (1, HEIGHT, WIDTH)
    assert upload.notes == [f"The picture was resized to {HEIGHT} x {WIDTH} pixels."]


def test_an_observation_is_cut_into_tiles(tmp_path):
    path = tmp_path / "a.fil"
    write_fil(path, make_noise(HEIGHT, 60))
    upload = read(path.read_bytes(), "a.fil")
    assert upload.levels.shape == (4, HEIGHT, WIDTH)
    assert upload.places[0] == "tile 0, 8,397.250000 MHz"
    assert upload.notes == [f"Cut into 4 tiles of {HEIGHT} x {WIDTH}."]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.csv is empty."),
        (
            b"1,2,3\n",
            "a.csv has 3 values a row where 16 x 24 = 384 are expected. The model reads "
            "spectrograms of this size only.",
        ),
        (
            write_csv(LEVELS[:1]) + b"x" + write_csv(LEVELS[1:2]),
            'a.csv, row 2, column 1: "x',
        ),
        (
            save(LEVELS[:2, :3]),
            "a.csv holds an array of shape (2, 3, 24), where (images, 16, 24) or (images, 384) is "
            "expected. The model reads spectrograms of this size only.",
        ),
        (b"\x93NUMPY", "a.csv is not a NumPy array (.npy): it does not begin as one."),
        (b"\x89PNG\r\n\x1a\nx", "a.csv: the picture is damaged or cut off: "),
        (b"\x89HDF\r\n\x1a\n", "a.csv is an HDF5 file, which is not read here. Drop rows of CSV,"),
        (b"\x1f\x8b", "a.csv is compressed with gzip, which is not read here. Unpack it first."),
        (b"\x0c\0\0\0HEADER_START", "a.csv has a damaged header: the file ends before HEADER_END"),
        (b"PK\x03\x04", "a.csv is damaged, or no .npz archive: "),
        (b"\0\0\0\0", "a.csv is not plain text: it holds zero bytes. Save it as UTF-8 or ASCII."),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name(content, message):
    with pytest.raises(InvalidData) as refusal:
        read(content)
    assert str(refusal.value).startswith(message)


def test_a_name_is_never_a_path():
    with pytest.raises(InvalidData, match=r"^passwd is empty\.$"):
        read(b"", "../../etc/passwd")
