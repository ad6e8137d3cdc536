"""Folders of pictures: layouts, classes, colours, sizes."""

import os

import numpy as np
import pytest
from PIL import Image

from data.invalid import InvalidData
from data.reading.check import check_folder
from data.reading.formats import image_folder
from data.reading.inventory import take_inventory
from data.reading.layout import Layout
from data.reading.pictures import decode
from data.reading.split import split_images, split_labels

HEIGHT, WIDTH, CLASSES = 8, 16, ("noise", "line")
LAYOUT = Layout(CLASSES, HEIGHT, WIDTH)


def random_levels(count, height=HEIGHT, width=WIDTH, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), dtype=np.uint8)


def save(path, levels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path, **options)


@pytest.fixture
def levels():
    """By split and class, uint8 [pictures, height, width]."""
    counts = {("train", "line"): 5, ("train", "noise"): 4}
    counts |= {("validation", "line"): 3, ("validation", "noise"): 2}
    return {key: random_levels(n, seed=seed) for seed, (key, n) in enumerate(counts.items())}


def write(folder, levels, validation="validation", extension=".png"):
    for (split, name), pictures in levels.items():
        part = validation if split == "validation" else split
        for number, picture in enumerate(pictures):
            save(folder / part / name / f"{number}{extension}", picture)
    return folder


def assert_read(folder, levels, layout=LAYOUT):
    inventory, findings = check_folder(str(folder), layout)
    assert [str(error) for error in findings.errors] == []
    assert inventory.format == "image-folder"
    for split in ("train", "validation"):
        # The folders are read in the order of their names, whatever that of the classes.
        expected = np.concatenate([levels[split, "line"], levels[split, "noise"]])
        np.testing.assert_array_equal(split_images(inventory, split, layout), expected)
        labels = np.repeat([1, 0], [len(levels[split, name]) for name in ("line", "noise")])
        np.testing.assert_array_equal(split_labels(inventory, split, layout), labels)


@pytest.mark.parametrize("validation", ["validation", "valid", "val"])
def test_the_validation_folder_has_one_of_three_names(tmp_path, levels, validation):
    assert_read(write(tmp_path, levels, validation), levels)


@pytest.mark.parametrize("extension", [".png", ".PNG", ".bmp", ".tif", ".TIFF"])
def test_pictures_without_loss_are_read_as_they_were_written(tmp_path, levels, extension):
    assert_read(write(tmp_path, levels, extension=extension), levels)


def test_pictures_are_read_the_same_in_many_small_chunks(tmp_path, levels, monkeypatch):
    monkeypatch.setattr(image_folder, "_MOST_IN_CHUNK", 2)
    monkeypatch.setattr(image_folder, "_BLOCK_BYTES", 1)
    assert_read(write(tmp_path, levels), levels)
    inventory = take_inventory(str(tmp_path), LAYOUT)
    assert [(chunk.start, chunk.end) for chunk in inventory.chunks][:3] == [(0, 2), (2, 4), (4, 5)]
    chosen = [8, 0, 3]
    everything = np.concatenate([levels["train", "line"], levels["train", "noise"]])
    np.testing.assert_array_equal(
        split_images(inventory, "train", LAYOUT, chosen), everything[chosen]
    )


def test_only_the_chosen_pictures_are_opened(tmp_path, levels):
    write(tmp_path, levels)
    (tmp_path / "train" / "line" / "0.png").write_bytes(b"no picture")
    inventory = take_inventory(str(tmp_path), LAYOUT)
    (picture,) = split_images(inventory, "train", LAYOUT, [3])
    np.testing.assert_array_equal(picture, levels["train", "line"][3])
    assert len(split_labels(inventory, "train", LAYOUT)) == 9
    with pytest.raises(InvalidData, match=r"train/line/0\.png: the picture is not PNG, JPEG"):
        split_images(inventory, "train", LAYOUT, [3, 0])


def test_folders_within_the_folder_of_a_class_and_spans_are_read(tmp_path, levels):
    folder = write(tmp_path / "span-3", levels)
    (folder / "train" / "line" / "a").mkdir()
    for number in range(5):
        picture = folder / "train" / "line" / f"{number}.png"
        picture.rename(picture.parent / "a" / picture.name)
    assert_read(tmp_path, levels)


def test_hidden_files_and_files_of_other_kinds_are_no_pictures(tmp_path, levels):
    write(tmp_path, levels)
    for name in ("._0.png", ".DS_Store", "Thumbs.db", "notes.txt", ".ipynb_checkpoints/0.png"):
        (tmp_path / "train" / "line" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "train" / "line" / name).write_bytes(b"x")
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "train" / ".cache" / "0.png").write_bytes(b"x")
    (tmp_path / "train" / "0.png").write_bytes(b"x")
    assert_read(tmp_path, levels)


def test_linked_pictures_and_folders_are_followed(tmp_path, levels):
    write(tmp_path / "real", levels)
    linked = tmp_path / "linked"
    (linked / "train").mkdir(parents=True)
    (linked / "validation").symlink_to(tmp_path / "real" / "validation")
    (linked / "train" / "noise").symlink_to(tmp_path / "real" / "train" / "noise")
    (linked / "train" / "line").mkdir()
    for number in range(5):
        target = tmp_path / "real" / "train" / "line" / f"{number}.png"
        (linked / "train" / "line" / f"{number}.png").symlink_to(target)
    assert_read(linked, levels)


def test_a_class_of_the_configuration_needs_a_folder_in_both_splits(tmp_path, levels):
    write(tmp_path, levels)
    _, findings = check_folder(str(tmp_path), Layout((*CLASSES, "pulse"), HEIGHT, WIDTH))
    assert [str(error) for error in findings.errors] == [
        f"{tmp_path}/{split} has no image of the class pulse. Every split needs some of each "
        "class; set classes to those in the data."
        for split in ("train", "validation")
    ]


def test_a_row_is_named_by_its_file(tmp_path, levels):
    inventory = take_inventory(str(write(tmp_path, levels)), LAYOUT)
    chunk = inventory.chunks[0]
    assert chunk.locate(3) == (f"{tmp_path}/train/line/3.png", 1)
    assert len(inventory.paths) == 14
    assert inventory.paths[0] == f"{tmp_path}/train/line/0.png"
    assert inventory.shown_paths == [
        f"{tmp_path}/train/line/ (5 files)",
        f"{tmp_path}/train/noise/ (4 files)",
        f"{tmp_path}/validation/line/ (3 files)",
        f"{tmp_path}/validation/noise/ (2 files)",
    ]


def test_pictures_beside_a_table_are_two_formats(tmp_path, levels):
    write(tmp_path, levels)
    (tmp_path / "train" / "images.csv").write_text("")
    _, findings = check_folder(str(tmp_path), LAYOUT)
    assert [str(error) for error in findings.errors] == [
        f"{tmp_path} holds files of more than one format: csv-pair and image-folder. "
        "Set input.format to one of them."
    ]
    _, findings = check_folder(str(tmp_path), LAYOUT, format_name="image-folder")
    assert findings.errors == []


def decoded(tmp_path, picture, layout=LAYOUT, name="picture.png", **options):
    picture.save(tmp_path / name, **options)
    return decode.decode_picture((tmp_path / name).read_bytes(), layout)


LUMA = random_levels(1)[0]
COLOURS = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("picture", "expected", "options"),
    [
        pytest.param(Image.fromarray(LUMA), LUMA, {}, id="L"),
        pytest.param(Image.merge("RGB", [Image.fromarray(LUMA)] * 3), LUMA, {}, id="grey as RGB"),
        pytest.param(
            Image.merge("RGBA", [*[Image.fromarray(LUMA)] * 3, Image.fromarray(LUMA[::-1])]),
            LUMA,
            {},
            id="RGBA",
        ),
        pytest.param(
            Image.merge("LA", [Image.fromarray(LUMA), Image.fromarray(LUMA[::-1])]),
            LUMA,
            {},
            id="LA",
        ),
        pytest.param(
            Image.fromarray(LUMA).convert("P"), LUMA, {"transparency": 3}, id="grey palette"
        ),
        pytest.param(
            Image.fromarray(LUMA).convert("P"),
            LUMA,
            {"transparency": bytes(range(256))},
            id="palette with many transparencies",
        ),
        pytest.param(
            Image.fromarray(LUMA.astype(np.uint16) * 257 + 100), LUMA, {}, id="16 bits, rounded"
        ),
        pytest.param(
            Image.fromarray(LUMA > 127), np.where(LUMA > 127, 255, 0), {}, id="black and white"
        ),
    ],
)
def test_grey_pictures_of_every_kind_are_read_as_their_levels(tmp_path, picture, expected, options):
    read = decoded(tmp_path, picture, **options)
    np.testing.assert_array_equal(read.levels.reshape(HEIGHT, WIDTH), expected)
    assert not read.is_resized
    assert not read.is_colour_as_luma


def test_16_bits_are_read_from_tiff_in_either_byte_order(tmp_path):
    sixteen = Image.fromarray(LUMA.astype(np.uint16) * 257)
    read = decoded(tmp_path, sixteen, name="picture.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(read.levels, LUMA.ravel())
    big_endian = Image.frombytes("I;16B", (WIDTH, HEIGHT), (LUMA.astype(">u2") * 257).tobytes())
    read = decoded(tmp_path, big_endian, name="picture.tif")
    np.testing.assert_array_equal(read.levels, LUMA.ravel())


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_colours_are_read_by_their_luma_and_that_is_said_once_with_their_number(
    tmp_path, levels, mode
):
    write(tmp_path, levels)
    picture = Image.fromarray(COLOURS).convert(mode)
    name = "colour.jpg" if mode == "CMYK" else "colour.png"
    picture.save(tmp_path / "train" / "noise" / name, quality=100)
    inventory, findings = check_folder(str(tmp_path), LAYOUT)
    assert findings.errors == []
    assert findings.remarks == [
        "pictures in colour read by their luma (if they were drawn with a colour map, name it in "
        "input.colour_map): 1"
    ]
    read = split_images(inventory, "train", LAYOUT)[-1].astype(int)
    luma = COLOURS @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    assert abs(read - luma).max() <= (1 if mode == "RGB" else 60)


def test_a_jpeg_of_a_grey_picture_in_colour_channels_is_grey(tmp_path):
    picture = Image.merge("RGB", [Image.fromarray(LUMA)] * 3)
    assert not decoded(tmp_path, picture, name="p.jpg", quality=75).is_colour_as_luma


@pytest.mark.parametrize("size", [(32, 64), (4, 8), (100, 30)])
def test_another_size_is_resized_with_anti_aliasing_and_said_once(tmp_path, levels, size):
    write(tmp_path, levels)
    ramp = np.linspace(0, 255, size[1]).astype(np.uint8) + np.zeros((size[0], 1), np.uint8)
    for number in range(2):
        save(tmp_path / "train" / "noise" / f"ramp-{number}.png", np.flipud(ramp) ^ number)
    inventory, findings = check_folder(str(tmp_path), LAYOUT)
    assert findings.errors == []
    assert findings.remarks == [
        "pictures resized to 8 x 16 with anti-aliasing (--no-resize refuses them): 2"
    ]
    read = split_images(inventory, "train", LAYOUT)[-2].astype(float)
    middles = (np.arange(WIDTH) + 0.5) / WIDTH * 255
    assert abs(read[:, 3:-3] - middles[3:-3]).max() < 9


def test_a_fine_pattern_becomes_its_mean_instead_of_an_alias(tmp_path):
    stripes = np.tile(np.array([[0, 255]], np.uint8), (64, 128))
    read = decoded(tmp_path, Image.fromarray(stripes))
    assert read.levels.reshape(HEIGHT, WIDTH)[:, 2:-2].min() > 110
    assert read.levels.reshape(HEIGHT, WIDTH)[:, 2:-2].max() < 145


def test_16_bits_are_resized_before_they_are_rounded(tmp_path):
    sixteen = np.full((2 * HEIGHT, 2 * WIDTH), 1000 * 257 // 10, np.uint16)
    read = decoded(tmp_path, Image.fromarray(sixteen))
    np.testing.assert_array_equal(read.levels, 100)


def test_the_orientation_in_exif_data_is_ignored_as_keras_and_torchvision_do(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    read = decoded(tmp_path, Image.fromarray(LUMA), name="p.jpg", exif=exif, quality=100)
    assert not read.is_resized
    assert abs(read.levels.reshape(HEIGHT, WIDTH).astype(int) - LUMA).max() < 8


@pytest.mark.parametrize("kind", ["BMP", "JPEG", "TIFF"])
def test_the_content_decides_on_the_format_whatever_the_name(tmp_path, kind):
    Image.fromarray(LUMA).save(tmp_path / "p.png", format=kind)
    read = decode.decode_picture((tmp_path / "p.png").read_bytes(), LAYOUT)
    assert abs(read.levels.astype(int) - LUMA.ravel()).max() <= (90 if kind == "JPEG" else 0)


def test_a_name_that_is_not_utf8_is_a_bad_row_and_shown_with_its_bytes(tmp_path, levels):
    write(tmp_path, levels)
    folder = os.fsencode(tmp_path) + b"/train/line"
    os.rename(folder + b"/4.png", folder + b"/\xff.png")
    _, findings = check_folder(str(tmp_path), LAYOUT)
    assert [str(error) for error in findings.errors] == [
        rf"{tmp_path}/train/line/\xff.png: the picture has a name that is not UTF-8, so it cannot "
        "be stored with the image. Rename it."
    ]
