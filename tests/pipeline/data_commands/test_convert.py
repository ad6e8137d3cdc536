"""`data convert`: every format becomes CSV files, archives or pictures without loss."""

import json
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from data import seed_layout
from data.convert import write_converted
from data.invalid import InvalidData
from data.reading.check import check_folder
from data.reading.input_files import LOCAL
from data.reading.inventory import take_inventory
from data.reading.layout import Layout
from data.reading.split import split_images, split_labels
from pipeline.config.loading import load_config
from pipeline.data_commands.convert import convert_data

CLASSES = ("noise", "line")
LAYOUT = Layout(CLASSES, 16, 16)
SPLITS = {"train": 20, "validation": 10}
TARGETS = ["csv", "npz", "image-folder"]
RECORD = {"simulated": True, "preset": "hard", "seed": 3}


def draw_images(split):
    rng = np.random.default_rng(len(split))
    return rng.integers(0, 256, (SPLITS[split], 16, 16), dtype=np.uint8)


def labels_of(split):
    return np.arange(SPLITS[split]) // 3 % 2


def save_csv(folder):
    splits = {name: (draw_images(name), labels_of(name), 2) for name in SPLITS}
    seed_layout.write_data_set(folder, splits, RECORD)


def save_npy(folder):
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
        np.save(folder / split / "images.npy", draw_images(split) / 255)
        np.save(folder / split / "labels.npy", np.array(CLASSES)[labels_of(split)])


def save_labelled_csv(folder):
    folder.mkdir()
    for split, count in SPLITS.items():
        rows = zip(draw_images(split).reshape(count, -1), labels_of(split), strict=True)
        lines = [",".join(map(str, [*levels, CLASSES[label]])) for levels, label in rows]
        (folder / f"{split}.csv").write_text("\n".join(lines) + "\n")


def save_pictures(folder):
    for split in SPLITS:
        for number, (image, label) in enumerate(
            zip(draw_images(split), labels_of(split), strict=True)
        ):
            path = folder / split / CLASSES[label] / f"{number:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)


WRITERS = {
    "csv-pair": save_csv,
    "npy": save_npy,
    "csv": save_labelled_csv,
    "image-folder": save_pictures,
}


def convert(source, output, target, overwrite=False, **options):
    keys = {"classes": list(CLASSES), "height": 16, "width": 16, "data": str(source), **options}
    convert_data(load_config(options=keys), str(output), target, overwrite)


def read(folder, split, layout=LAYOUT):
    inventory = take_inventory(str(folder), layout)
    return split_images(inventory, split, layout), split_labels(inventory, split, layout)


def sort_by_class(images, labels):
    """Return rows in the order in which folders of classes are read."""
    order = np.argsort([CLASSES[label] for label in labels], kind="stable")
    return images[order], labels[order]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_levels_and_labels_are_what_they_were(tmp_path, write, target, capsys):
    write(tmp_path / "in")
    convert(tmp_path / "in", tmp_path / "out", target)
    for split in SPLITS:
        expected = draw_images(split), labels_of(split)
        if target == "image-folder" or write == save_pictures:
            expected = sort_by_class(*expected)
        images, labels = read(tmp_path / "out", split)
        np.testing.assert_array_equal(images, expected[0])
        np.testing.assert_array_equal(labels, expected[1])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "no errors",
        f"{tmp_path}/out: 20 train + 10 validation images as {target}",
    ]
    assert (tmp_path / "out/SIMULATED.json").exists() == (write == save_csv)


def test_the_seed_layout_is_reproduced_byte_for_byte(tmp_path):
    save_csv(tmp_path / "in")
    convert(tmp_path / "in", tmp_path / "npz", "npz")
    convert(tmp_path / "npz", tmp_path / "out", "csv")
    written = seed_layout.list_files(tmp_path / "in")
    assert len(written) == len(seed_layout.list_files(tmp_path / "out")) == 5
    for path in written:
        name = path.relative_to(tmp_path / "in")
        assert (tmp_path / "out" / name).read_bytes() == path.read_bytes()
    assert json.loads((tmp_path / "npz" / "SIMULATED.json").read_text()) == RECORD


def test_an_archive_is_one_that_numpy_reads_with_names_as_labels(tmp_path):
    save_csv(tmp_path / "in")
    convert(tmp_path / "in", tmp_path / "out", "npz")
    with np.load(tmp_path / "out" / "train.npz") as archive:
        assert archive["images"].dtype == np.uint8
        np.testing.assert_array_equal(archive["images"], draw_images("train"))
        assert archive["labels"].tolist() == [CLASSES[label] for label in labels_of("train")]


@pytest.mark.parametrize("target", TARGETS)
def test_rows_that_the_check_drops_are_left_out(tmp_path, target):
    save_csv(tmp_path / "in")
    path = tmp_path / "in/train/images.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[4] = b"x" + lines[4][1:]
    lines[9] = (tmp_path / "in/validation/images.csv").read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(b"".join(lines))
    convert(tmp_path / "in", tmp_path / "out", target, **{"input.max_bad_rows": 2})
    images, labels = read(tmp_path / "out", "train")
    expected = sort_by_class(
        np.delete(draw_images("train"), 4, axis=0), np.delete(labels_of("train"), 4)
    )
    images, labels = sort_by_class(images, labels)
    np.testing.assert_array_equal(labels, expected[1])
    different = (images != expected[0]).any(axis=(1, 2))
    assert different.sum() == 1, "row 10 is another one"
    assert len(read(tmp_path / "out", "validation")[0]) == 9, "its first row is in training too"


def test_data_without_validation_are_divided(tmp_path):
    save_csv(tmp_path / "in")
    for name in ("images.csv", "labels.csv"):
        (tmp_path / "in/validation" / name).unlink()
    convert(tmp_path / "in", tmp_path / "out", "csv", **{"input.validation_fraction": 0.25})
    counts = {split: np.bincount(read(tmp_path / "out", split)[1]).tolist() for split in SPLITS}
    assert counts == {"train": [8, 7], "validation": [3, 2]}
    together = np.concatenate([read(tmp_path / "out", split)[0] for split in SPLITS])
    assert sorted(map(bytes, together)) == sorted(map(bytes, draw_images("train")))


def test_data_with_errors_are_not_written(tmp_path):
    save_csv(tmp_path / "in")
    (tmp_path / "in/train/labels.csv").write_text("1,0\n")
    with pytest.raises(InvalidData, match=r"images\.csv has 20 rows but .*labels\.csv has 1\."):
        convert(tmp_path / "in", tmp_path / "out", "csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_data_set_is_replaced_only_on_request_whatever_its_format(tmp_path):
    save_csv(tmp_path / "in")
    (tmp_path / "in/SIMULATED.json").unlink()
    convert(tmp_path / "in", tmp_path / "out", "npz")
    (tmp_path / "out/notes.txt").write_text("mine")
    (tmp_path / "out/SIMULATED.json").write_text("{}")
    with pytest.raises(FileExistsError, match=r"SIMULATED\.json already exists"):
        convert(tmp_path / "in", tmp_path / "out", "image-folder")
    convert(tmp_path / "in", tmp_path / "out", "image-folder", overwrite=True)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["notes.txt", "train", "validation"]
    convert(tmp_path / "in", tmp_path / "out", "csv", overwrite=True)
    np.testing.assert_array_equal(read(tmp_path / "out", "train")[0], draw_images("train"))


@pytest.mark.parametrize("output", ["in", "in/..", "linked", "."])
def test_the_output_does_not_replace_the_data(tmp_path, monkeypatch, output):
    save_csv(tmp_path / "in")
    (tmp_path / "linked").symlink_to("in")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidData) as refused:
        convert("in", output, "csv", overwrite=True)
    assert str(refused.value) == (
        f"{output} is the data folder, or holds it. Choose another folder for the output."
    )


@pytest.mark.parametrize("name", ["on/off", ".hidden", "..", "\0", "x" * 256])
def test_a_class_that_cannot_be_a_folder_is_refused(tmp_path, name):
    save_csv(tmp_path / "in")
    shown = name.replace("\0", r"\x00")
    with pytest.raises(InvalidData) as refused:
        convert(tmp_path / "in", tmp_path / "out", "image-folder", classes=["noise", name])
    assert str(refused.value) == (
        f'The class "{shown}" cannot be the name of a folder of pictures. Rename it in classes, or '
        "convert to csv or npz."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("target", ["csv", "npz"])
def test_one_block_of_rows_is_in_memory(tmp_path, target):
    layout = Layout(CLASSES, 256, 512)
    rng = np.random.default_rng(0)
    for split, count in (("train", 224), ("validation", 32)):
        images = rng.integers(0, 256, (count, 256, 512), dtype=np.uint8)
        (tmp_path / "in" / split).mkdir(parents=True)
        np.save(tmp_path / "in" / split / "images.npy", images)
        np.save(tmp_path / "in" / split / "labels.npy", np.arange(count) % 2)
    inventory, findings = check_folder(str(tmp_path / "in"), layout)
    (tmp_path / "out").mkdir()
    counts = []
    tracemalloc.start()
    try:
        write_converted(
            *(inventory, findings, target, layout, tmp_path / "out", LOCAL),
            lambda *count: counts.append(count),
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counts[-1] == (256, 256)
    assert peak < 28 << 20, "two blocks of 8 MiB and some text; the data have 32 MiB"
