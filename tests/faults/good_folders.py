"""Small good data folders of every format, for the fuzzers to damage.

To fuzz another format, write a function that returns the files of a split and name it in `FORMS`.
Observations of telescopes are no data folders; only test_byte_fuzzing.py damages them here, and
tests/data/telescope damages their structure.
"""

import gzip
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data.seed_layout import encode_csv
from tests.data.telescope.files import make_noise, write_fil, write_h5

HEIGHT, WIDTH, CLASSES = 8, 16, ("noise", "line")

Pack = Callable[[bytes], bytes]
"""From the content of a file to its bytes, which are compressed, for example."""

Files = dict[str, tuple[bytes, Pack]]
"""The content of each file, and how it is packed, by its path in the folder."""


def plain(content: bytes) -> bytes:
    return content


def compress(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def pack_npy(array: NDArray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def pack_zip(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def pack_idx(array: NDArray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def name_labels(labels: NDArray) -> NDArray:
    return np.array(CLASSES)[labels]


def make_csv_pair(split: str, images: NDArray, labels: NDArray) -> Files:
    return {
        f"{split}/images.csv": (encode_csv(images.reshape(len(images), -1)), plain),
        f"{split}/labels.csv": (encode_csv(np.eye(2, dtype=np.uint8)[labels] * 255), plain),
    }


def make_gzipped_csv_pair(split: str, images: NDArray, labels: NDArray) -> Files:
    rows = "".join(",".join(map(str, row.ravel())) + "\n" for row in images)
    names = "\n".join(name_labels(labels)) + "\n"
    return {
        f"{split}/images.csv.gz": (rows.encode(), compress),
        f"{split}/labels.csv.gz": (names.encode(), compress),
    }


def make_csv(split: str, images: NDArray, labels: NDArray) -> Files:
    rows = encode_csv(images.reshape(len(images), -1)).splitlines()
    names = name_labels(labels)
    lines = [row + b"," + name.encode() + b"\n" for row, name in zip(rows, names, strict=True)]
    return {f"{split}.csv": (b"".join(lines), plain)}


def make_gzipped_csv(split: str, images: NDArray, labels: NDArray) -> Files:
    ((path, (content, _)),) = make_csv(split, images, labels).items()
    return {f"{path}.gz": (content, compress)}


def make_npy(split: str, images: NDArray, labels: NDArray) -> Files:
    return {
        f"{split}/images.npy": (pack_npy(images), plain),
        f"{split}/labels.npy": (pack_npy(np.eye(2)[labels]), plain),
    }


def make_npz(split: str, images: NDArray, labels: NDArray) -> Files:
    arrays = {
        "images.npy": pack_npy(images / np.float32(255)),
        "labels.npy": pack_npy(name_labels(labels)),
    }

    def pack_with_other(member: str) -> Pack:
        return lambda content: pack_zip({**arrays, member: content})

    return {
        f"{split}.npz": (arrays["images.npy"], pack_with_other("images.npy")),
        f"{split}-more.npz": (arrays["labels.npy"], pack_with_other("labels.npy")),
    }


def make_idx(split: str, images: NDArray, labels: NDArray, pack: Pack = plain) -> Files:
    extension = ".gz" if pack is compress else ""
    return {
        f"{split}-images-idx3-ubyte{extension}": (pack_idx(images), pack),
        f"{split}-labels-idx1-ubyte{extension}": (pack_idx(labels), pack),
    }


def make_gzipped_idx(split: str, images: NDArray, labels: NDArray) -> Files:
    return make_idx(split, images, labels, compress)


def make_components(images: NDArray) -> NDArray:
    """Return signed bytes [signals, samples, 2], 16 samples for each pixel."""
    return np.tile(images.reshape(len(images), -1).view(np.int8), 32).reshape(len(images), -1, 2)


def make_voltages(split: str, images: NDArray, labels: NDArray) -> Files:
    voltages = make_components(images).astype(np.float32).view(np.complex64)[..., 0]
    return {
        f"{split}/voltages.npy": (pack_npy(voltages), plain),
        f"{split}/labels.npy": (pack_npy(name_labels(labels)), plain),
    }


def make_recordings(split: str, images: NDArray, labels: NDArray) -> Files:
    files: Files = {}
    for number, samples in enumerate(make_components(images)):
        header = json.dumps({"uuid": number, "signal_classification": CLASSES[labels[number]]})
        files[f"{split}/{number}.dat"] = header.encode() + b"\n" + samples.tobytes(), plain
    return files


def make_recordings_with_table(split: str, images: NDArray, labels: NDArray) -> Files:
    table = "".join(f"{number},{name}\n" for number, name in enumerate(name_labels(labels)))
    files = make_recordings(split, images, labels)
    return files | {
        f"{split}/labels.csv": (b"UUID,SIGNAL_CLASSIFICATION\n" + table.encode(), plain)
    }


def make_pictures(kind: str, split: str, images: NDArray, labels: NDArray, **options) -> Files:
    files: Files = {}
    for number, (image, name) in enumerate(zip(images, name_labels(labels), strict=True)):
        content = io.BytesIO()
        Image.fromarray(image).save(content, kind, **options)
        files[f"{split}/{name}/{number}.{kind.lower()}"] = content.getvalue(), plain
    return files


FORMS: dict[str, Callable[[str, NDArray, NDArray], Files]] = {
    "csv-pair": make_csv_pair,
    "csv-pair, gzipped": make_gzipped_csv_pair,
    "csv": make_csv,
    "csv, gzipped": make_gzipped_csv,
    "npy": make_npy,
    "npz": make_npz,
    "idx": make_idx,
    "idx, gzipped": make_gzipped_idx,
    "image-folder, PNG": partial(make_pictures, "PNG"),
    "image-folder, JPEG": partial(make_pictures, "JPEG"),
    "image-folder, progressive JPEG": partial(make_pictures, "JPEG", progressive=True),
    "image-folder, BMP": partial(make_pictures, "BMP"),
    "image-folder, TIFF": partial(make_pictures, "TIFF"),
    "image-folder, TIFF by LZW": partial(make_pictures, "TIFF", compression="tiff_lzw"),
    "image-folder, TIFF by Deflate": partial(make_pictures, "TIFF", compression="tiff_deflate"),
    "voltages": make_voltages,
    "voltages, .dat": make_recordings,
    "voltages, .dat with a table": make_recordings_with_table,
}

# Writes a file, given its path and power [rows, 1, channels].
OBSERVATIONS: dict[str, Callable[[Path, NDArray], object]] = {
    "observation, .fil": write_fil,
    "observation, .h5": write_h5,
    "observation, .h5 in chunks": partial(write_h5, chunks=(4, 1, 64)),
}


@cache
def make_good_files(form: str) -> Files:
    """Return the files of a good folder of a format, or the only file of an observation."""
    if form in OBSERVATIONS:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "observation")
            OBSERVATIONS[form](file, make_noise(8, 96))
            return {"train": (file.read_bytes(), plain)}
    rng = np.random.default_rng(1)
    files: Files = {}
    for split, rows in (("train", 6), ("validation", 4)):
        images = rng.integers(0, 256, (rows, HEIGHT, WIDTH), dtype=np.uint8)
        files |= FORMS[form](split, images, np.arange(rows) % 2)
    return files


def list_places(form: str) -> list[tuple[str, Pack]]:
    """Return where bytes can be changed: in the content of a file, and in what it is packed to."""
    places = []
    for path, (_, pack) in sorted(make_good_files(form).items()):
        if path.startswith("train"):  # the files of the other split are alike
            places += [(path, pack)] + [(path, plain)] * (pack is not plain)
    return places


def write_seeds(form: str, folder: Path) -> None:
    """Write an undamaged input for each place: the place's number in a byte, and the content."""
    folder.mkdir()
    files = make_good_files(form)
    for number, (path, pack) in enumerate(list_places(form)):
        content, final_pack = files[path]
        seed = content if pack is final_pack else final_pack(content)
        (folder / f"good-{number}").write_bytes(bytes([number]) + seed)
