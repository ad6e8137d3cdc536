"""Pictures that are refused, and what would fill the memory, with the exact messages."""

import io
import os
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from data.reading.check import check_folder
from data.reading.layout import Layout, Tolerance
from data.reading.pictures import decode
from tests.data.reading.test_hostile_input import bind_socket

HEIGHT, WIDTH, CLASSES = 8, 16, ("noise", "line")
LAYOUT = Layout(CLASSES, HEIGHT, WIDTH)
BAD = "train/line/1.png"


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for split, count in (("train", 3), ("validation", 2)):
        for name in CLASSES:
            (tmp_path / "data" / split / name).mkdir(parents=True)
            for number in range(count):
                levels = rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
                Image.fromarray(levels).save(tmp_path / "data" / split / name / f"{number}.png")
    return tmp_path / "data"


def errors_of(folder, layout=LAYOUT, **tolerance):
    _, findings = check_folder(str(folder), layout, Tolerance(**tolerance))
    return [str(error).replace(f"{folder}/", "") for error in findings.errors]


def encode(kind, levels=None, **options):
    content = io.BytesIO()
    if levels is None:
        levels = np.random.default_rng(9).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    Image.fromarray(levels).save(content, kind, **options)
    return content.getvalue()


def png_chunk(kind, content):
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(height, width, packed=b""):
    """A PNG whose header announces a size, whatever is packed in it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def bmp(height, width):
    head = struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHH", 40, width, height, 1, 8)
    return b"BM" + head + bytes(24) + bytes(256 * 4)


def pages():
    first, second = (Image.fromarray(np.full((HEIGHT, WIDTH), k, np.uint8)) for k in (1, 2))
    content = io.BytesIO()
    first.save(content, "TIFF", save_all=True, append_images=[second])
    return content.getvalue()


def frames():
    rng = np.random.default_rng(3)
    first, second = (Image.fromarray(rng.integers(0, 256, (8, 16), dtype=np.uint8)) for _ in "12")
    content = io.BytesIO()
    first.save(content, "PNG", save_all=True, append_images=[second])
    return content.getvalue()


def scans():
    """A progressive JPEG whose last scan is repeated a thousand times."""
    content = encode("JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * 1000 + b"\xff\xd9"


NOT_A_PICTURE = "the picture is not PNG, JPEG, BMP or TIFF, whatever its name says: it begins with"
COPY = "Copy or write it again."
TOO_LARGE = "more than 16,777,216 in all. Save it in a smaller size."
ALONE = "Save each as a file of its own."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", f"the picture is an empty file. {COPY}", id="empty"),
        pytest.param(encode("GIF"), f"{NOT_A_PICTURE} 47 49 46 38. Save it as PNG.", id="GIF"),
        pytest.param(encode("WEBP"), f"{NOT_A_PICTURE} 52 49 46 46. Save it as PNG.", id="WebP"),
        pytest.param(
            b"%!PS-Adobe-3.0 EPSF-3.0\n",
            f"{NOT_A_PICTURE} 25 21 50 53. Save it as PNG.",
            id="PostScript, which would start a program",
        ),
        pytest.param(b"0.1,0.2\n", f"{NOT_A_PICTURE} 30 2e 31 2c. Save it as PNG.", id="text"),
        pytest.param(
            encode("PNG")[:100],
            f"the picture is damaged or cut off: image file is truncated. {COPY}",
            id="truncated PNG",
        ),
        pytest.param(
            encode("PNG")[:20],
            f"the picture is damaged or cut off: Truncated File Read. {COPY}",
            id="truncated header",
        ),
        pytest.param(
            encode("JPEG")[:-150],
            f"the picture is damaged or cut off: Truncated File Read. {COPY}",
            id="truncated JPEG",
        ),
        pytest.param(
            encode("JPEG")[:-50],
            "the picture is damaged or cut off: image file is truncated (26 bytes not processed). "
            f"{COPY}",
            id="JPEG truncated within its pixels",
        ),
        pytest.param(
            encode("BMP")[:-10],
            "the picture is damaged or cut off: image file is truncated (6 bytes not processed). "
            f"{COPY}",
            id="truncated BMP",
        ),
        pytest.param(
            png(50_000, 50_000, zlib.compress(bytes(1 << 20))),
            f"the picture has 50,000 x 50,000 pixels by its header, {TOO_LARGE}",
            id="bomb, PNG",
        ),
        pytest.param(
            png(2**31 - 1, 2**31 - 1),
            f"the picture has 2,147,483,647 x 2,147,483,647 pixels by its header, {TOO_LARGE}",
            id="bomb, the largest PNG",
        ),
        pytest.param(
            bmp(65_536, 65_536),
            f"the picture has 65,536 x 65,536 pixels by its header, {TOO_LARGE}",
            id="bomb, BMP",
        ),
        pytest.param(
            png(4096, 4096, zlib.compress(bytes(9))),
            "the picture is damaged or cut off: image file is truncated (0 bytes not processed). "
            f"{COPY}",
            id="the largest size that is decoded, without its pixels",
        ),
        pytest.param(pages(), f"the picture has several pages or frames. {ALONE}", id="TIFF pages"),
        pytest.param(frames(), f"the picture has several pages or frames. {ALONE}", id="APNG"),
        pytest.param(
            scans(),
            "the picture is a JPEG of more than 200 scans. Save it as PNG.",
            id="JPEG of many scans",
        ),
        pytest.param(
            encode("TIFF", compression="jpeg"),
            "the picture is a TIFF that is not compressed by LZW, Deflate or PackBits. "
            "Save it as PNG.",
            id="JPEG in TIFF",
        ),
        pytest.param(
            encode("TIFF", np.random.default_rng(0).random((HEIGHT, WIDTH), np.float32)),
            "the picture has pixels of the kind F, which is neither grey of 8 or 16 bits nor a "
            "colour. Save it as grey or RGB.",
            id="floating-point numbers",
        ),
        pytest.param(
            encode("PNG", np.full((HEIGHT, WIDTH), 51, np.uint8)),
            "all 128 values are 0.200000: a constant image holds no signal and no noise. "
            "Remove it.",
            id="constant",
        ),
    ],
)
def test_a_bad_picture_is_one_bad_row_with_its_file(folder, content, message):
    (folder / BAD).write_bytes(content)
    started = time.perf_counter()
    assert errors_of(folder) == [f"{BAD}: {message}"]
    assert errors_of(folder, max_bad_rows=1) == []
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (os.mkfifo, "the picture is a named pipe. Replace it by a regular file."),
        (bind_socket, "the picture is a socket. Replace it by a regular file."),
        (
            lambda path: path.symlink_to("/dev/zero"),
            "the picture is a device. Replace it by a regular file.",
        ),
        (
            lambda path: path.symlink_to("nowhere"),
            "the picture is a symbolic link to a file that does not exist. Correct the link.",
        ),
        (
            lambda path: path.symlink_to("../line"),
            "the picture is a folder. Replace it by a regular file.",
        ),
    ],
    ids=["FIFO", "socket", "device", "broken link", "link to a folder that holds it"],
)
def test_only_regular_files_are_opened(folder, make, message):
    (folder / BAD).unlink()
    make(folder / BAD)
    assert errors_of(folder) == [f"{BAD}: {message}"]


def test_a_file_larger_than_any_picture_is_not_read_to_its_end(folder):
    with open(folder / BAD, "r+b") as file:
        file.truncate(1 << 40)  # a sparse file
    assert errors_of(folder) == [
        f"{BAD}: the picture is a file of more than {decode.MOST_BYTES:,} bytes. "
        "Save a smaller one."
    ]


def test_a_folder_that_is_no_class_is_named_with_the_classes(folder):
    (folder / "train" / "line").rename(folder / "train" / "Line")
    assert errors_of(folder) == [
        'train/Line holds pictures, but "Line" is not a class. Classes are noise, line; set '
        "classes to the names of the folders, or move this folder away."
    ]


def test_another_size_is_a_bad_row_if_pictures_are_not_to_be_resized(folder):
    (folder / BAD).write_bytes(encode("PNG", np.eye(32, 64, dtype=np.uint8)))
    assert errors_of(folder, Layout(CLASSES, HEIGHT, WIDTH, resize=False)) == [
        f"{BAD}: the picture has 32 x 64 pixels where 8 x 16 are expected. Set height and width to "
        "the size of your pictures, or have them resized: leave out --no-resize."
    ]


def test_the_same_picture_in_both_splits_is_a_leak_whatever_its_format(folder):
    levels = np.asarray(Image.open(folder / "train/line/2.png"))
    (folder / "validation/line/copy.bmp").write_bytes(encode("BMP", levels))
    (folder / "validation/noise/other.tif").write_bytes(encode("TIFF", levels))
    text = "the spectrogram is the same as that of train/line/2.png"
    consequence = "A model must not be evaluated on what it was trained on."
    errors = [error.replace(f"{folder}/", "") for error in errors_of(folder)]
    assert errors == [
        f"validation/line/copy.bmp: {text}. {consequence}",
        f"validation/noise/other.tif: {text}, but the label differs. {consequence}",
    ]


def test_all_bad_pictures_are_reported_at_once_with_the_remedy(folder):
    for split in ("train", "validation"):
        (folder / split / "noise" / "0.png").write_bytes(b"x")
    _, findings = check_folder(str(folder), LAYOUT)
    assert findings.describe(str(folder)).splitlines() == [
        f"2 problems in {folder}:",
        f"  {folder}/train/noise/0.png: {NOT_A_PICTURE} 78. Save it as PNG.",
        f"  {folder}/validation/noise/0.png: {NOT_A_PICTURE} 78. Save it as PNG.",
        "Correct these rows, or leave them out: --max-bad-rows 2.",
    ]
    _, findings = check_folder(str(folder), LAYOUT, Tolerance(max_bad_rows=2))
    assert findings.dropped_rows == {
        f"{folder}/train/noise": {0},
        f"{folder}/validation/noise": {0},
    }
    assert findings.images == {"train": 5, "validation": 3}


def test_control_characters_of_names_do_not_reach_the_terminal(folder):
    name = "\x1b]0;owned\x07\u202e.png"
    (folder / "train" / "line" / name).write_bytes(b"x")
    (error,) = errors_of(folder)
    assert error.startswith(r"train/line/\x1b]0;owned\x07\u202e.png: the picture is not PNG")
