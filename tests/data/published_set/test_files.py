"""Zips of the published set: found wherever they are nested, verified, and unpacked safely."""

import hashlib
import io
import stat
import zipfile

import pytest

from data.invalid import InvalidData
from data.published_set.files import PUBLISHED, PublishedFile, holds_published_set, unpack

CONTENTS = {
    "train/images.csv": b"0.5,0.6\n" * 5000,
    "train/labels.csv": b"1.0,0.0\n" * 3000,
    "validation/images.csv": b"0.7,0.6\n" * 2000,
    "validation/labels.csv": b"0.0,1.0\n" * 1000,
}
# A table like that of the published files, for the files of these tests.
FILES = {
    name: PublishedFile(len(content), hashlib.sha256(content).hexdigest())
    for name, content in CONTENTS.items()
}
ANOTHER_COPY = "Give another copy with --url or --file."


def pack(contents, prefix="", method=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(f"{prefix}{name}", content)
    return packed.getvalue()


def unpacked(tmp_path, packed):
    (tmp_path / "set.zip").write_bytes(packed)
    counts = []
    unpack(tmp_path / "set.zip", tmp_path / "set", lambda *count: counts.append(count), FILES)
    total = sum(file.size for file in FILES.values())
    assert counts[-1] == (total, total)
    return {
        path.relative_to(tmp_path / "set").as_posix(): path.read_bytes()
        for path in (tmp_path / "set").rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("prefix", ["", "dataset/", "a/b c/SETI/", "/", "../../", "C:\\data\\"])
def test_the_files_are_found_wherever_the_zip_nests_them(tmp_path, prefix):
    assert unpacked(tmp_path, pack(CONTENTS, prefix)) == CONTENTS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "set.zip"]
    assert holds_published_set(tmp_path / "set", FILES)


def test_of_several_files_with_the_name_one_with_the_size_is_taken(tmp_path):
    others = {f"old/{name}": b"x" for name in CONTENTS}
    macintosh = {f"__MACOSX/{name.replace('/', '/._')}": b"x" for name in CONTENTS}
    assert unpacked(tmp_path, pack({**others, **macintosh, **CONTENTS})) == CONTENTS


def changed(**contents):
    return {**CONTENTS, **{name.replace("_", "/") + ".csv": c for name, c in contents.items()}}


def with_flag(content, flag):
    content = bytearray(content)
    content[6] |= flag
    content[content.index(b"PK\x01\x02") + 8] |= flag
    return bytes(content)


def linked():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("train/images.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        for name in list(CONTENTS)[1:]:
            archive.writestr(name, CONTENTS[name])
    return packed.getvalue()


def bomb():
    """A file that unpacks to 8 MB, and says so, or says that it has the right size."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("train/images.csv", "w") as member:
            for _ in range(8):
                member.write(bytes(1 << 20))
        for name in list(CONTENTS)[1:]:
            archive.writestr(name, CONTENTS[name])
    return packed.getvalue()


def lying_bomb():
    size, claim = (n.to_bytes(4, "little") for n in (8 << 20, len(CONTENTS["train/images.csv"])))
    return bomb().replace(size, claim)


ZIP = pack(CONTENTS)
BAD_IMAGES = pack(changed(train_images=CONTENTS["train/images.csv"][::-1]))
SHA_OF_BAD_IMAGES = hashlib.sha256(CONTENTS["train/images.csv"][::-1]).hexdigest()


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        pytest.param(
            BAD_IMAGES,
            "does not hold the published set: the SHA-256 of train/images.csv in it is "
            f"{SHA_OF_BAD_IMAGES}, and that of the published file is "
            f"{FILES['train/images.csv'].sha256}. {ANOTHER_COPY}",
            id="changed",
        ),
        pytest.param(
            pack(changed(validation_labels=b"1.0,0.0\n")),
            "does not hold the published set: validation/labels.csv in it has 8 bytes, and the "
            f"published file has 8,000. {ANOTHER_COPY}",
            id="another size",
        ),
        pytest.param(
            pack({f"notes-{number}.txt": b"" for number in range(12)}),
            "does not hold the published set: there is no train/images.csv in it. It holds "
            + ", ".join(f"notes-{number}.txt" for number in range(10))
            + f". {ANOTHER_COPY}",
            id="something else",
        ),
        pytest.param(
            pack({}),
            "does not hold the published set: there is no train/images.csv in it. It holds "
            f"nothing. {ANOTHER_COPY}",
            id="empty zip",
        ),
        pytest.param(
            pack({"\x1b[2Jx": b""}),
            "does not hold the published set: there is no train/images.csv in it. It holds "
            rf"\x1b[2Jx. {ANOTHER_COPY}",
            id="control characters",
        ),
        pytest.param(
            ZIP[:-1000],
            "is damaged, cut off, or no zip: File is not a zip file. Download it again.",
            id="truncated",
        ),
        pytest.param(
            b"",
            "is damaged, cut off, or no zip: File is not a zip file. Download it again.",
            id="empty",
        ),
        pytest.param(
            pack(CONTENTS, method=zipfile.ZIP_STORED).replace(b"0.5,", b"0.9,", 1),
            "is damaged, cut off, or no zip: Bad CRC-32 for file 'train/images.csv'. Download it "
            "again.",
            id="damaged",
        ),
        pytest.param(
            b"\n<!DOCTYPE html><html><head><title>Google Drive -\nQuota &amp; exceeded</title>",
            'is a web page, with the title "Google Drive - Quota & exceeded", and no zip. Open it '
            "in a browser to see why, or give another copy with --url or --file.",
            id="web page",
        ),
        pytest.param(
            b"<html><body>",
            "is a web page, with no title, and no zip. Open it in a browser to see why, or give "
            "another copy with --url or --file.",
            id="web page without a title",
        ),
        pytest.param(with_flag(ZIP, 1), f"is encrypted. {ANOTHER_COPY}", id="encrypted"),
        pytest.param(
            pack(CONTENTS, method=zipfile.ZIP_LZMA),
            f"is compressed by an unusual method. {ANOTHER_COPY}",
            id="LZMA",
        ),
        pytest.param(
            linked(),
            "does not hold the published set: train/images.csv in it has 11 bytes, and the "
            f"published file has 40,000. {ANOTHER_COPY}",
            id="link",
        ),
        pytest.param(
            bomb(),
            "does not hold the published set: train/images.csv in it has 8,388,608 bytes, and the "
            f"published file has 40,000. {ANOTHER_COPY}",
            id="bomb",
        ),
        pytest.param(
            lying_bomb(),
            "is damaged, cut off, or no zip: Bad CRC-32 for file 'train/images.csv'. Download it "
            "again.",
            id="bomb that claims the right size",
        ),
    ],
)
def test_what_is_not_the_published_set_is_refused(tmp_path, packed, message):
    with pytest.raises(InvalidData) as refused:
        unpacked(tmp_path, packed)
    assert str(refused.value) == f"{tmp_path}/set.zip {message}"
    written = sum(path.stat().st_size for path in (tmp_path / "set").rglob("*"))
    assert written <= sum(file.size for file in FILES.values()) + 8192


def test_a_set_is_recognised_by_its_sums_and_not_by_its_sizes(tmp_path):
    assert not holds_published_set(tmp_path, FILES)
    unpacked(tmp_path, ZIP)
    path = tmp_path / "set" / "validation" / "labels.csv"
    path.write_bytes(path.read_bytes()[::-1])
    assert not holds_published_set(tmp_path / "set", FILES)


def test_the_table_has_the_sizes_of_the_published_files():
    """3,200 and 800 rows of 8,192 and 4 values with 9 bytes each."""
    assert {name: file.size for name, file in PUBLISHED.items()} == {
        "train/images.csv": 3200 * 8192 * 9,
        "train/labels.csv": 3200 * 4 * 9,
        "validation/images.csv": 800 * 8192 * 9,
        "validation/labels.csv": 800 * 4 * 9,
    }
