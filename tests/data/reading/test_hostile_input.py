"""Files that would fill the memory, wait for ever or write on the terminal, and their errors."""

import gzip
import io
import os
import re
import socket
import struct
import zipfile

import numpy as np
import pytest

from data.invalid import InvalidData, escape
from data.reading.check import check_folder
from data.reading.formats import format as formats
from data.reading.inventory import take_inventory
from data.reading.layout import Tolerance

IMAGES, LABELS = "train/images.csv", "train/labels.csv"
NO_FOLDER = (
    "is no folder that can be read: it is a file, a folder without permission, or a symbolic link "
    "to nothing or to a folder that holds it. Replace it by the folder."
)


def errors_of(folder, layout, **tolerance):
    try:
        _, findings = check_folder(str(folder), layout, Tolerance(**tolerance))
    except InvalidData as error:
        return [str(error).replace(f"{folder}/", "")]
    return [str(error).replace(f"{folder}/", "") for error in findings.errors]


@pytest.fixture
def npz_folder(tmp_path, images, labels):
    for split, levels in images.items():
        np.savez(tmp_path / f"{split}.npz", images=levels, labels=labels[split])
    return tmp_path


@pytest.fixture
def npy_folder(tmp_path, images, labels):
    for split, levels in images.items():
        (tmp_path / split).mkdir()
        np.save(tmp_path / split / "images.npy", levels)
        np.save(tmp_path / split / "labels.npy", labels[split])
    return tmp_path


def gzipped(folder, name, content):
    (folder / name).unlink()
    (folder / f"{name}.gz").write_bytes(gzip.compress(content))


def replace_row(path, row, line):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[row - 1] = line
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize("digits", [1_000, 10_000_000], ids=["within a block", "beyond a block"])
def test_a_line_longer_than_its_values_can_be_is_one_bad_row(folder, layout, digits):
    replace_row(folder / IMAGES, 5, b"0.1,0.2,0.3,0.4,0.5,0." + b"1" * digits + b"\n")
    assert errors_of(folder, layout) == [
        "train/images.csv, row 5: the line is longer than 384 bytes, 64 for each of its 6 values. "
        "Write shorter numbers, and each row on its own line."
    ]
    assert errors_of(folder, layout, max_bad_rows=1) == []


def test_a_long_cell_does_not_widen_the_others(folder, layout):
    replace_row(folder / IMAGES, 5, b"x,0.2,0.3,0.4,0.5,0." + b"1" * 300 + b"\n")
    assert errors_of(folder, layout) == ['train/images.csv, row 5, column 1: "x" is not a number.']


@pytest.mark.parametrize("write", [gzipped, lambda d, name, text: (d / name).write_bytes(text)])
def test_a_file_without_line_ends_is_refused_by_its_first_line(folder, layout, write):
    write(folder, IMAGES, b"0.5," * 5_000_000)
    (error,) = errors_of(folder, layout)
    assert re.sub(r"\.gz", "", error) == (
        "train/images.csv has rows longer than 521 bytes where 2 x 3 = 6 values of at most 64 "
        "bytes are expected. Set height and width to the size of your spectrograms, write shorter "
        "numbers, and each row on its own line."
    )


TOO_MANY = "more than 1,000 bad rows in one part, which is as far as it is read. Write it again."


@pytest.mark.parametrize("line", [b"\n", b"x\n"], ids=["empty", "short"])
def test_a_file_of_short_lines_is_not_read_to_its_end(folder, layout, line, monkeypatch):
    for module in ("formats.format", "formats.csv_text", "scan"):
        monkeypatch.setattr(f"data.reading.{module}.MOST_BAD_ROWS", 1_000)
    good = (folder / IMAGES).read_bytes()
    gzipped(folder, IMAGES, good + line * 5_000_000 + good)
    first, *rows = errors_of(folder, layout)
    assert first == f"train/images.csv.gz has {TOO_MANY}"
    assert rows[0].startswith("train/images.csv.gz, row 21: "), "the rows before are good"


def test_labels_that_no_image_can_have_are_refused_unread(folder, layout, monkeypatch):
    monkeypatch.setattr(formats, "MOST_BAD_ROWS", 100)
    gzipped(folder, LABELS, b"noise\n" * 1_000_000)
    assert errors_of(folder, layout) == [
        "train/labels.csv.gz has more labels than train/images.csv can hold images. Row n of one "
        "belongs to row n of the other, so both must have the same number."
    ]


def test_bad_labels_are_listed_only_so_far(folder, layout, monkeypatch):
    monkeypatch.setattr(formats, "MOST_BAD_ROWS", 1_000)
    gzipped(folder, LABELS, b"pulse\n" * 1_000_000)
    assert errors_of(folder, layout) == [f"train/labels.csv.gz has {TOO_MANY}"]


def npy_bytes(descr="'|u1'", shape="(20, 2, 3)", content=bytes(120), version=1, length=None):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    size = 2 if version == 1 else 4
    announced = (len(header) if length is None else length).to_bytes(size, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + announced + header + content


CUT_OFF = (
    "is cut off: it ends before the {} {} that its first bytes announce. Copy or write it again."
)


NO_HEADER = "is not a NumPy array (.npy): it does not begin as one. Write it with numpy.save."


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "images",
            npy_bytes(shape="(4294967296, 2, 3)"),
            CUT_OFF.format("4,294,967,296", "images"),
        ),
        (
            "images",
            npy_bytes(shape="(-1, 2, 3)"),
            "has the impossible shape (-1, 2, 3). Write it again.",
        ),
        (
            "images",
            npy_bytes(shape="(20, 9223372036854775807, 9223372036854775807)"),
            "holds an array of shape (20, 9223372036854775807, 9223372036854775807), where "
            "(images, 2, 3) or (images, 6) is expected. Set height and width to the size of your "
            "spectrograms.",
        ),
        (
            "images",
            npy_bytes(shape="(19, 2, 3)"),
            "holds more than the 19 images that its first bytes announce. Copy or write it again.",
        ),
        (
            "images",
            npy_bytes(version=2, length=2**32 - 1),
            NO_HEADER,
        ),
        (
            "images",
            npy_bytes(shape="(" * 900),
            NO_HEADER,
        ),
        ("labels", npy_bytes(shape="(4294967296,)"), CUT_OFF.format("4,294,967,296", "labels")),
        (
            "labels",
            npy_bytes("'<U100000000'", "(20,)"),
            "holds labels of shape (20,) and type <U100000000. Labels are an index or a class "
            "name for each image, or one-hot rows of 2.",
        ),
        (
            "labels",
            npy_bytes("'<U0'", "(20,)"),
            "holds labels of shape (20,) and type <U0. Labels are an index or a class name for "
            "each image, or one-hot rows of 2.",
        ),
        (
            "labels",
            npy_bytes("'<U1'", "(20,)", b"\xff" * 80),
            "holds labels that are not text. Write it again.",
        ),
        (
            "labels",
            npy_bytes(shape="(20,)"),
            "holds more than the 20 labels that its first bytes announce. Copy or write it again.",
        ),
    ],
)
def test_the_header_of_an_array_is_not_believed(npy_folder, layout, name, content, message):
    (npy_folder / f"train/{name}.npy").write_bytes(content)
    assert errors_of(npy_folder, layout)[0] == f"train/{name}.npy {message}"


@pytest.mark.parametrize("part", ["images", "labels"])
def test_an_idx_file_that_announces_billions_of_rows_is_refused_when_it_ends(
    tmp_path, images, labels, layout, part
):
    for split, levels in images.items():
        announced = 2**32 - 1 if split == "train" else len(levels)
        count = {"images": len(levels), "labels": len(levels)} | {part: announced}
        head = bytes([0, 0, 8, 3]) + struct.pack(">3I", count["images"], 2, 3)
        path = tmp_path / f"{split}-images-idx3-ubyte.gz"
        path.write_bytes(gzip.compress(head + levels.tobytes()))
        head = bytes([0, 0, 8, 1]) + struct.pack(">I", count["labels"])
        path = tmp_path / f"{split}-labels-idx1-ubyte.gz"
        path.write_bytes(gzip.compress(head + labels[split].astype(np.uint8).tobytes()))
    name = {"images": "images-idx3", "labels": "labels-idx1"}[part]
    assert errors_of(tmp_path, layout) == [
        f"train-{name}-ubyte.gz {CUT_OFF.format('4,294,967,295', part)}"
    ]


def with_name_length(content, length):
    """Set how long the name of the first member is, in its own header."""
    return content[:26] + length.to_bytes(2, "little") + content[28:]


def archive(*members, method=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as written:
        for name, data in members:
            written.writestr(name, data)
    return content.getvalue()


def with_flag(content, flag):
    """Set a flag of the first member, in its own header and in the list of members."""
    content = bytearray(content)
    content[6] |= flag
    content[content.index(b"PK\x01\x02") + 8] |= flag
    return bytes(content)


ARRAY = ("images.npy", npy_bytes())
LABEL_ARRAY = ("labels.npy", npy_bytes(shape="(20,)", content=bytes([0, 1] * 10)))
REMEDY = "Save it with numpy.savez(file, images=..., labels=...)."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (with_flag(archive(ARRAY), 1), f"is encrypted. {REMEDY}"),
        (
            archive(ARRAY).replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff"),
            f"is damaged, or no .npz archive: zip file version 25.5. {REMEDY}",
        ),
        (archive(ARRAY, method=zipfile.ZIP_LZMA), f"is not compressed as NumPy does it. {REMEDY}"),
        (
            archive(ARRAY)[:-30],
            f"is damaged, or no .npz archive: File is not a zip file. {REMEDY}",
        ),
        (
            archive(("images.npy", npy_bytes(content=bytes(121))), LABEL_ARRAY),
            "holds more than the 20 images that its first bytes announce. Copy or write it again.",
        ),
        (
            archive(("images.npy", npy_bytes(content=bytes(119))), LABEL_ARRAY),
            CUT_OFF.format(20, "images"),
        ),
        (
            archive(ARRAY).replace(bytes(8), bytes(7) + b"\1"),
            f"is damaged, or no .npz archive: Bad CRC-32 for file 'images.npy'. {REMEDY}",
        ),
        (
            with_name_length(archive(ARRAY), 60_000),
            "is damaged, or no .npz archive: File name in directory 'images.npy' and header "
            rf"""b"images.npy\x93NUMPY\x01\x00@\x00{{'descr': [...]. {REMEDY}""",
        ),
        (
            archive(*((f"\x1b[31m{number}", b"") for number in range(20))),
            "holds no array images; it holds "
            + ", ".join(f"\\x1b[31m{number}" for number in range(10))
            + f". {REMEDY}",
        ),
        (
            archive(*((f"{number:05}" * 30, b"") for number in range(30_000))),
            f"is damaged, or no .npz archive: Truncated central directory. {REMEDY}",
        ),
    ],
    ids=[
        "encrypted",
        "version",
        "LZMA",
        "cut",
        "too long",
        "too short",
        "changed",
        "length of a name",
        "names",
        "many members",
    ],
)
def test_an_archive_that_numpy_would_not_write_is_refused(npz_folder, layout, content, message):
    (npz_folder / "train.npz").write_bytes(content)
    assert errors_of(npz_folder, layout)[0] == f"train.npz {message}"


def test_linked_folders_and_files_are_followed(folder, tmp_path, layout):
    linked = tmp_path / "linked"
    (linked / "span-1").mkdir(parents=True)
    (linked / "span-1" / "train").symlink_to(folder / "train")
    (linked / "span-1" / "validation").mkdir()
    for name in ("images.csv", "labels.csv"):
        (linked / "span-1" / "validation" / name).symlink_to(folder / "validation" / name)
    (linked / "span-2").symlink_to(folder)
    for span in (1, 2):
        inventory, findings = check_folder(str(linked), layout, span=span)
        assert (inventory.span, findings.errors) == (span, [])
        assert findings.images == {"train": 20, "validation": 10}
    assert take_inventory(str(linked), layout).span == 2


@pytest.mark.parametrize("target", [".", "..", "nowhere", "train"])
def test_a_link_that_leads_to_no_folder_of_data_is_named(folder, layout, target):
    (folder / "train").rename(folder / "moved")
    (folder / "train").symlink_to(target)
    assert errors_of(folder, layout) == [f"train {NO_FOLDER}"]


def test_a_newest_span_that_is_a_broken_link_is_not_passed_over(folder, tmp_path, layout):
    (tmp_path / "spans").mkdir()
    (tmp_path / "spans" / "span-1").symlink_to(folder)
    (tmp_path / "spans" / "span-2").symlink_to("nowhere")
    assert errors_of(tmp_path / "spans", layout) == [f"span-2 {NO_FOLDER}"]


def test_a_link_to_a_file_that_does_not_exist_is_named(folder, layout):
    (folder / IMAGES).unlink()
    (folder / IMAGES).symlink_to("nowhere")
    assert errors_of(folder, layout) == [
        "train/images.csv is a symbolic link to a file that does not exist. Correct the link."
    ]


def bind_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # the whole path may be too long for an address


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a named pipe"),
        (bind_socket, "a socket"),
        (lambda path: path.symlink_to("/dev/zero"), "a device"),
        (lambda path: path.mkdir(), "missing"),
    ],
    ids=["FIFO", "socket", "device", "folder"],
)
@pytest.mark.parametrize("name", [IMAGES, LABELS])
def test_only_regular_files_are_opened(folder, layout, name, make, kind):
    (folder / name).unlink()
    make(folder / name)
    (error,) = errors_of(folder, layout)
    remedy = "A data folder" if kind == "missing" else "Replace it by a regular file."
    assert error.startswith(f"{name} is {kind}. {remedy}")


def test_a_file_name_that_is_not_utf8_is_refused_and_shown_with_its_bytes(tmp_path, layout, folder):
    os.rename(folder / IMAGES, os.fsencode(folder) + b"/train/images-\xff.csv")
    os.rename(folder / LABELS, os.fsencode(folder) + b"/train/labels-\xff.csv")
    text = "has a name that is not UTF-8, so it cannot be stored with the images. Rename it."
    assert errors_of(folder, layout) == [
        rf"train/images-\xff.csv {text}",
        rf"train/labels-\xff.csv {text}",
    ]
    os.rename(folder, os.fsencode(tmp_path) + b"/\xfe")
    (error,) = errors_of(os.fsdecode(os.fsencode(tmp_path) + b"/\xfe"), layout)
    assert error == rf"{tmp_path}/\xfe {text}"


def test_control_characters_of_cells_and_names_do_not_reach_the_terminal(folder, layout):
    attack = "\x1b]0;owned\x07\r\x9b1m\u202e"
    replace_row(folder / IMAGES, 5, f"{attack},0.2,0.3,0.4,0.5,0.6\n".encode())
    (folder / LABELS).write_text(f"{attack}\n" + "line\nnoise\n" * 9 + "line\n")
    for split in ("train", "validation"):
        (folder / split / "images.csv").rename(folder / split / f"images-{attack}.csv")
        (folder / split / "labels.csv").rename(folder / split / f"labels-{attack}.csv")
    _, findings = check_folder(str(folder), layout)
    shown = r"\x1b]0;owned\x07\r\x9b1m\u202e"
    assert [str(error).replace(f"{folder}/", "") for error in findings.errors] == [
        f'train/images-{shown}.csv, row 5, column 1: "{shown}" is not a number.',
        f'train/labels-{shown}.csv, row 1: "{shown}" is not a class. Classes are noise, line, or '
        "0 to 1; set classes to the names in the data.",
    ]


def test_an_error_holds_no_control_characters_but_newlines():
    assert str(InvalidData("a\x1b[2J:\n  b\x00\udcff")) == "a\\x1b[2J:\n  b\\x00\\xff"
    assert escape("a\nb\tÄ 信号") == "a\\nb\\tÄ 信号"


def test_a_number_is_not_grouped_by_underscores(folder, layout):
    replace_row(folder / IMAGES, 5, b"0.1,0.2,0.3,0.4,0.5,0_0\n")
    assert errors_of(folder, layout) == [
        'train/images.csv, row 5, column 6: "0_0" is not a number.'
    ]


def test_a_long_cell_is_shortened_in_its_message(folder, layout):
    replace_row(folder / IMAGES, 5, b"0.1,0.2,0.3,0.4,0.5," + b"z" * 300 + b"\n")
    (error,) = errors_of(folder, layout)
    assert error == f'train/images.csv, row 5, column 6: "{"z" * 40}" is not a number.'
