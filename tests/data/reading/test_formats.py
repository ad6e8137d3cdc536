"""The same data in every format give the same levels and labels."""

import gzip
import shutil
import struct

import numpy as np
import pytest

from data.invalid import InvalidData
from data.reading import text
from data.reading.check import check_folder
from data.reading.formats import FORMATS, arrays
from data.reading.inventory import take_inventory
from data.reading.layout import FORMAT_NAMES, Layout
from data.reading.split import split_images, split_labels

CLASSES = ("noise", "line")
SPLITS = ("train", "validation")


def pixel_lines(levels, text_of):
    return [",".join(text_of(k) for k in image.ravel()) for image in levels]


def six_decimals(k):
    return f"{k / 255:.6f}"


def written(path, lines, end="\n", header=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = end.join([*([header] if header else []), *lines]) + end
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content.encode()))
    else:
        path.write_bytes(content.encode())


def paired(images_name="images.csv", labels_name="labels.csv", text_of=six_decimals, **options):
    """A writer of image files beside label files."""
    names = options.pop("label_of", lambda label: "1,0" if label == 0 else "0,1")
    image_header, label_header = options.pop("headers", (None, None))

    def write(folder, split, levels, labels):
        lines = pixel_lines(levels, text_of)
        written(folder / split / images_name, lines, header=image_header, **options)
        label_lines = [names(label) for label in labels]
        written(folder / split / labels_name, label_lines, header=label_header, **options)

    return write


def several_pairs(folder, split, levels, labels):
    for number, rows in enumerate(np.array_split(np.arange(len(levels)), 3)):
        paired(f"images-{number}.csv", f"labels-{number}.csv")(
            folder, split, levels[rows], labels[rows]
        )


def labelled(name, row, header=None, text_of=six_decimals):
    """A writer of files with the label in the row: row(pixels, label) gives the line."""

    def write(folder, split, levels, labels):
        lines = [
            row(pixels, label)
            for pixels, label in zip(pixel_lines(levels, text_of), labels, strict=True)
        ]
        written(folder / name.format(split=split), lines, header=header)

    return write


def named_middle(pixels, label):
    cells = pixels.split(",")
    return ",".join([*cells[:2], CLASSES[label], *cells[2:]])


def npy(convert=lambda levels: levels, label_of=lambda labels: labels, folder_name="{split}"):
    def write(folder, split, levels, labels):
        (folder / split).mkdir(parents=True)
        np.save(folder / split / "images.npy", convert(levels))
        np.save(folder / split / "labels.npy", label_of(labels))

    return write


def npz(save, name="{split}.npz"):
    def write(folder, split, levels, labels):
        folder.mkdir(exist_ok=True)
        path = folder / name.format(split=split)
        path.parent.mkdir(exist_ok=True)
        save(path, images=levels, labels=labels)

    return write


def idx(pack, ending, prefixes=None):
    def write(folder, split, levels, labels):
        folder.mkdir(exist_ok=True)
        prefix = (prefixes or {}).get(split, split)
        head = bytes([0, 0, 8, 3]) + struct.pack(">3I", *levels.shape)
        path = folder / f"{prefix}-images-idx3-ubyte{ending}"
        path.write_bytes(pack(head + levels.tobytes()))
        head = bytes([0, 0, 8, 1]) + struct.pack(">I", len(labels))
        path = folder / f"{prefix}-labels-idx1-ubyte{ending}"
        path.write_bytes(pack(head + labels.astype(np.uint8).tobytes()))

    return write


WRITERS = {
    "pair": ("csv-pair", paired()),
    "pair, gzipped": ("csv-pair", paired("images.csv.gz", "labels.csv.gz")),
    "pair, images gzipped": ("csv-pair", paired("images.csv.gz")),
    "several pairs": ("csv-pair", several_pairs),
    "pair, Windows line ends": ("csv-pair", paired(end="\r\n")),
    "pair, numbered header": ("csv-pair", paired(headers=("0,1,2,3,4,5", None))),
    "pair, headers of words": ("csv-pair", paired(headers=("a,b,c,d,e,f", "noise,line"))),
    "pair, gzipped with headers": (
        "csv-pair",
        paired("images.csv.gz", "labels.csv.gz", headers=("a,b,c,d,e,f", "noise,line")),
    ),
    "pair, byte-order mark and header": ("csv-pair", paired(headers=("\ufeffa,b,c,d,e,f", None))),
    "pair, whole numbers": ("csv-pair", paired(text_of=str)),
    "pair, whole numbers as floats": ("csv-pair", paired(text_of=lambda k: f"{k}.0")),
    "pair, shortest decimals": ("csv-pair", paired(text_of=lambda k: repr(int(k) / 255))),
    "pair, label names": ("csv-pair", paired(label_of=lambda label: CLASSES[label])),
    "pair, label indices under a header": (
        "csv-pair",
        paired(label_of=str, headers=(None, "label")),
    ),
    "name in the last column": ("csv", labelled("{split}.csv", lambda p, k: f"{p},{CLASSES[k]}")),
    "index in the last column, gzipped": (
        "csv",
        labelled("{split}.csv.gz", lambda p, k: f"{p},{k}"),
    ),
    "one-hot in the last columns": (
        "csv",
        labelled("{split}/all.csv", lambda p, k: f"{p},{1 - k}.0,{k}.0"),
    ),
    "column called label": (
        "csv",
        labelled("{split}/part-1.csv", lambda p, k: f"{k},{p}", header="label,a,b,c,d,e,f"),
    ),
    "column called class in the middle": (
        "csv",
        labelled("{split}-1.csv", named_middle, header="a,b,class,c,d,e,f"),
    ),
    "whole numbers with labels": (
        "csv",
        labelled("{split}.csv", lambda p, k: f"{p},{k}", text_of=str),
    ),
    "npy": ("npy", npy()),
    "npy, flat": ("npy", npy(lambda levels: levels.reshape(len(levels), -1))),
    "npy, with a channel": ("npy", npy(lambda levels: levels[..., None])),
    "npy, float32": ("npy", npy(lambda levels: (levels / 255).astype(np.float32))),
    "npy, float64 0..255": ("npy", npy(lambda levels: levels.astype(np.float64))),
    "npy, big-endian int16": ("npy", npy(lambda levels: levels.astype(">i2"))),
    "npy, one-hot": ("npy", npy(label_of=lambda labels: np.eye(2)[labels])),
    "npy, names": ("npy", npy(label_of=lambda labels: np.array(CLASSES)[labels])),
    "npz": ("npz", npz(np.savez)),
    "npz, compressed": ("npz", npz(np.savez_compressed, "{split}/part.npz")),
    "idx": ("idx", idx(lambda content: content, "")),
    "idx, gzipped as MNIST names it": (
        "idx",
        idx(gzip.compress, ".gz", {"train": "train", "validation": "t10k"}),
    ),
}


@pytest.fixture(params=WRITERS)
def written_folder(request, tmp_path, images, labels):
    format_name, write = WRITERS[request.param]
    for split in SPLITS:
        write(tmp_path / "data", split, images[split], labels[split])
    return tmp_path / "data", format_name


def test_data_are_read_as_they_were_written(written_folder, images, labels, layout):
    folder, format_name = written_folder
    inventory, findings = check_folder(str(folder), layout)
    assert [str(error) for error in findings.errors] == []
    assert inventory.format == format_name
    for split in SPLITS:
        np.testing.assert_array_equal(split_images(inventory, split, layout), images[split])
        np.testing.assert_array_equal(split_labels(inventory, split, layout), labels[split])


def test_data_are_read_the_same_in_many_small_chunks(
    written_folder, images, labels, layout, monkeypatch
):
    for module, name, size in (
        (text, "RANGE_BYTES", 100),
        (text, "BLOCK_BYTES", 70),
        (arrays, "_CHUNK_BYTES", 50),
        (arrays, "_BLOCK_BYTES", 13),
    ):
        monkeypatch.setattr(module, name, size)
    folder, _ = written_folder
    inventory, findings = check_folder(str(folder), layout)
    assert [str(error) for error in findings.errors] == []
    assert findings.images == {"train": 20, "validation": 10}
    for split in SPLITS:
        np.testing.assert_array_equal(split_images(inventory, split, layout), images[split])
    chosen = [17, 0, 8]
    np.testing.assert_array_equal(
        split_images(inventory, "train", layout, chosen), images["train"][chosen]
    )


def test_uncompressed_files_are_divided_and_compressed_ones_are_not(
    written_folder, layout, monkeypatch
):
    monkeypatch.setattr(text, "RANGE_BYTES", 100)
    monkeypatch.setattr(arrays, "_CHUNK_BYTES", 50)
    folder, format_name = written_folder
    inventory = take_inventory(str(folder), layout)
    by_path = {source.images: 0 for source in inventory.sources}
    for chunk in inventory.chunks:
        by_path[chunk.source.images] += 1
    for path, chunks in by_path.items():
        assert (chunks == 1) == (path.endswith(".gz") or format_name == "npz"), path


def test_every_format_is_in_the_list_of_names_that_help_shows():
    assert tuple(FORMATS) == FORMAT_NAMES


def test_the_label_column_may_be_named_or_the_first(tmp_path, images, labels):
    def named(pixels, label):
        cells = pixels.split(",")
        return ",".join([str(label), *cells])

    for split in SPLITS:
        labelled("{split}.csv", named)(tmp_path, split, images[split], labels[split])
    layout = Layout(CLASSES, 2, 3, label_column="first")
    inventory = take_inventory(str(tmp_path), layout)
    np.testing.assert_array_equal(split_labels(inventory, "train", layout), labels["train"])
    missing = Layout(CLASSES, 2, 3, label_column="kind")
    assert [str(problem) for problem in take_inventory(str(tmp_path), missing).problems] == [
        f"{tmp_path}/{split}.csv should have its label in the column kind, but it has no header."
        for split in SPLITS
    ]


def problems_of(folder, layout):
    _, findings = check_folder(str(folder), layout)
    return [str(error).replace(f"{folder}/", "") for error in findings.errors]


def damaged(tmp_path, images, labels, write, change):
    for split in SPLITS:
        write(tmp_path / "data", split, images[split], labels[split])
    change(tmp_path / "data")
    return tmp_path / "data"


def rewrite_npy(name, array):
    return lambda folder: np.save(folder / name, array)


def cut(name, count):
    def change(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-count])

    return change


@pytest.mark.parametrize(
    ("written_as", "change", "message"),
    [
        (
            "npy",
            cut("train/images.npy", 1),
            "train/images.npy is cut off: it ends before the 20 images that its first bytes "
            "announce. Copy or write it again.",
        ),
        (
            "npy, float32",
            cut("train/images.npy", 20 * 6 * 4 - 10),
            "train/images.npy is cut off: it ends before the 20 images that its first bytes "
            "announce. Copy or write it again.",
        ),
        (
            "npy",
            rewrite_npy("train/images.npy", np.zeros((20, 4, 3))),
            "train/images.npy holds an array of shape (20, 4, 3), where (images, 2, 3) or "
            "(images, 6) is expected. Set height and width to the size of your spectrograms.",
        ),
        (
            "npy",
            rewrite_npy("train/images.npy", np.array([None])),
            "train/images.npy holds Python objects, which could run code when read. "
            "Save it as an array of numbers or of text.",
        ),
        (
            "npy",
            rewrite_npy("train/images.npy", np.asfortranarray(np.zeros((20, 2, 3)))),
            "train/images.npy is in column-major order. "
            "Save numpy.ascontiguousarray(...) of it instead.",
        ),
        (
            "npy",
            rewrite_npy("train/labels.npy", np.arange(20)),
            'train/labels.npy, row 3: "2" is not a class. Classes are noise, line, or 0 to 1; '
            "set classes to the names in the data.",
        ),
        (
            "npz",
            lambda folder: np.savez(folder / "train.npz", x=np.zeros(3)),
            "train.npz holds no array images; it holds x. "
            "Save it with numpy.savez(file, images=..., labels=...).",
        ),
        (
            "idx",
            cut("train-images-idx3-ubyte", 1),
            "train-images-idx3-ubyte is cut off: it ends before the 20 images that its first bytes "
            "announce. Copy or write it again.",
        ),
        (
            "idx",
            lambda folder: shutil.copy(
                folder / "train-labels-idx1-ubyte", folder / "train-images-idx3-ubyte"
            ),
            "train-images-idx3-ubyte is not an IDX file of unsigned bytes with 3 axes: it starts "
            "with 00 00 08 01, where the bytes 00 00 08 03 are expected.",
        ),
        (
            "name in the last column",
            lambda folder: written(folder / "train.csv", ["0.1,0.2,0.3,0.4,0.5,0.6,wave"] * 2),
            'train.csv, row 1, column 7: "wave" is not a class. '
            "Classes are noise, line, or 0 to 1; set classes to the names in the data.",
        ),
        (
            "name in the last column",
            lambda folder: written(folder / "train.csv", ["0.1,0.2,0.3,line"] * 2),
            "train.csv has 4 values a row where 2 x 3 = 6 and a label, or one for each class, are "
            "expected. Set height and width to the size of your spectrograms.",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path, images, labels, layout, written_as, change, message
):
    folder = damaged(tmp_path, images, labels, WRITERS[written_as][1], change)
    assert problems_of(folder, layout)[0] == message


def test_a_bad_value_in_an_array_is_placed_by_image_and_pixel(tmp_path, images, labels, layout):
    floats = images["train"] / 255
    floats[4, 1, 2] = np.nan
    folder = damaged(tmp_path, images, labels, npy(), rewrite_npy("train/images.npy", floats))
    assert problems_of(folder, layout) == [
        "train/images.npy, row 5, column 6: nan is not between 0 and 1. "
        "Values are grey levels between 0 and 1."
    ]


def test_columns_are_counted_in_the_file_wherever_the_label_is(tmp_path, images, labels, layout):
    def with_label(pixels, label):
        return f"{label},{pixels}"

    header = "label,a,b,c,d,e,f"
    write = labelled("{split}.csv", with_label, header=header)
    folder = damaged(tmp_path, images, labels, write, lambda folder: None)
    lines = (folder / "train.csv").read_text().splitlines()
    lines[3] = "1,0.1,0.2,oops,0.4,0.5,0.6"
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    assert problems_of(folder, layout) == ['train.csv, row 4, column 4: "oops" is not a number.']


def test_a_stream_that_is_cut_off_is_refused(tmp_path, images, labels, layout):
    folder = damaged(
        tmp_path,
        images,
        labels,
        WRITERS["idx, gzipped as MNIST names it"][1],
        cut("train-images-idx3-ubyte.gz", 20),
    )
    assert problems_of(folder, layout) == [
        "train-images-idx3-ubyte.gz is cut off: its compressed content ends too early. "
        "Copy it again."
    ]


def test_a_missing_split_is_an_error_when_it_is_read(tmp_path, images, labels, layout):
    npy()(tmp_path, "train", images["train"], labels["train"])
    inventory = take_inventory(str(tmp_path), layout)
    with pytest.raises(InvalidData, match="validation is missing"):
        split_labels(inventory, "validation", layout)


def test_a_bad_first_row_does_not_decide_the_layout_of_the_file(tmp_path, images, labels, layout):
    write = WRITERS["name in the last column"][1]
    folder = damaged(tmp_path, images, labels, write, lambda folder: None)
    lines = (folder / "train.csv").read_text().splitlines()
    (folder / "train.csv").write_text("\n".join(["0.1,0.2,line", *lines]) + "\n")
    assert problems_of(folder, layout) == ["train.csv, row 1: 3 values where 7 are expected."]
