"""The published data set: its four files, and how they are found in a zip and verified."""

from __future__ import annotations

import hashlib
import html
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from data.fingerprint import fingerprint_file
from data.invalid import InvalidData, escape
from data.reading.formats.npz import LimitedReads
from data.storage import files

Progress = Callable[[int, int], None]
"""Called with (bytes done, all bytes)."""


@dataclass(frozen=True)
class PublishedFile:
    """What identifies a file: its size in bytes, and its SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


# Two public copies of the set agree on these.
PUBLISHED = {
    "train/images.csv": PublishedFile(
        235_929_600, "8d6b7b6b59a15856ba27411ab9cb46c3b5f53ef867e0383e241c31810a017fc6"
    ),
    "train/labels.csv": PublishedFile(
        115_200, "072c3f7d856a5166c68b68e7ab34442199c2e55ff4f3e744df9768ad6b2453da"
    ),
    "validation/images.csv": PublishedFile(
        58_982_400, "283ed32d6af34c96f10557ccd219aa85d49b22f1d496059a5d9ef32cbd2fbb23"
    ),
    "validation/labels.csv": PublishedFile(
        28_800, "7acda77c3187a22ecf7afa7194b8655aa317e88cf2c4f305b79319ad45fa8d26"
    ),
}
"""The files of the published four-class set, by path in the data folder."""

_BLOCK_BYTES = 1 << 20
_PAGE_BYTES = 1 << 16
_MOST_NAMES = 10
_ENCRYPTED = 1  # a bit of a member's flags
_ANOTHER_COPY = "Give another copy with --url or --file."


def holds_published_set(
    directory: Path, published: Mapping[str, PublishedFile] = PUBLISHED
) -> bool:
    """Return whether a folder holds all files with their sizes and sums."""
    paths = {directory / name: file for name, file in published.items()}
    return all(
        path.is_file() and path.stat().st_size == file.size for path, file in paths.items()
    ) and all(fingerprint_file(str(path)) == file.sha256 for path, file in paths.items())


def unpack(
    archive: Path,
    folder: Path,
    progress: Progress,
    published: Mapping[str, PublishedFile] = PUBLISHED,
    origin: str = "",
) -> None:
    """Unpack the files of the set, wherever they are in a zip, and verify them.

    No more than the declared bytes of these files is unpacked, and no name in the zip becomes a
    path.

    Args:
      archive: the zip.
      folder: where the files are written.
      progress: see `Progress`.
      published: the files by the path in the folder.
      origin: what messages call the zip, if it is not its path.

    Raises:
      InvalidData: the file is no zip or damaged, or its content is another one.
    """
    origin = origin or str(archive)
    total, done = sum(file.size for file in published.values()), 0
    with archive.open("rb") as stream, _explaining(origin):
        _refuse_page(stream, origin)
        packed = zipfile.ZipFile(cast(IO[bytes], LimitedReads(stream)))
        members = {
            name: _find_member(packed, name, file.size, origin) for name, file in published.items()
        }
        for name, file in published.items():
            digest = hashlib.sha256()
            with files.writing(str(folder / name), "wb") as unpacked:
                for block in _read_blocks(packed, members[name]):
                    digest.update(block)
                    unpacked.write(block)
                    done += len(block)
                    progress(done, total)
            if digest.hexdigest() != file.sha256:
                raise InvalidData(
                    f"{origin} does not hold the published set: the SHA-256 of {name} in it is "
                    f"{digest.hexdigest()}, and that of the published file is {file.sha256}. "
                    f"{_ANOTHER_COPY}"
                )


def _read_blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as content:
        while block := content.read(_BLOCK_BYTES):
            yield block


def _find_member(archive: zipfile.ZipFile, name: str, size: int, origin: str) -> zipfile.ZipInfo:
    """Return the member whose path ends with a name; of several, one that has the size."""
    members = [
        member
        for member in archive.infolist()
        if f"/{member.filename}".replace("\\", "/").endswith(f"/{name}")
    ]
    if not members:
        names = ", ".join(escape(each) for each in archive.namelist()[:_MOST_NAMES])
        raise InvalidData(
            f"{origin} does not hold the published set: there is no {name} in it. It holds "
            f"{names or 'nothing'}. {_ANOTHER_COPY}"
        )
    member = next((each for each in members if each.file_size == size), members[0])
    if member.file_size != size:
        raise InvalidData(
            f"{origin} does not hold the published set: {name} in it has {member.file_size:,} "
            f"bytes, and the published file has {size:,}. {_ANOTHER_COPY}"
        )
    if member.flag_bits & _ENCRYPTED:
        raise InvalidData(f"{origin} is encrypted. {_ANOTHER_COPY}")
    # Other methods reserve as much memory as the file demands.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidData(f"{origin} is compressed by an unusual method. {_ANOTHER_COPY}")
    return member


def _refuse_page(stream: IO[bytes], origin: str) -> None:
    """Refuse a web page, which some servers send instead of a file."""
    start = stream.read(_PAGE_BYTES)
    stream.seek(0)
    if not re.match(rb"\s*<(!doctype|html)", start, re.IGNORECASE):
        return
    title = re.search(rb"<title[^>]*>(.*?)</title>", start, re.IGNORECASE | re.DOTALL)
    text = html.unescape(title[1].decode("utf-8", "replace")) if title else ""
    described = f'the title "{escape(" ".join(text.split())[:100])}"' if text else "no title"
    raise InvalidData(
        f"{origin} is a web page, with {described}, and no zip. Open it in a browser to see "
        "why, or give another copy with --url or --file."
    )


@contextmanager
def _explaining(origin: str) -> Iterator[None]:
    """Raise the errors of a damaged zip as `InvalidData`."""
    try:
        yield
    except InvalidData:
        raise
    # The others are what the library lets through if the numbers in an archive are wrong.
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        OverflowError,
        ValueError,
        struct.error,
    ) as error:
        raise InvalidData(
            f"{origin} is damaged, cut off, or no zip: {error}. Download it again."
        ) from None
