"""Downloads a file from Google Drive or another server, and continues where it broke off.

gdown knows the pages that Google Drive puts before a large file, and requests only the bytes that
are missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from data.invalid import InvalidData, escape
from data.published_set.files import PUBLISHED, Progress

_FILE_ID = "1R2BlsYydirhMmf89_D1imOT5aVvkXHi2"

DRIVE_URL = f"https://drive.google.com/uc?id={_FILE_ID}"
"""The author's zip of the published set."""

_DRIVE_PAGE = f"https://drive.google.com/file/d/{_FILE_ID}/view"

_SECONDS_OF_SILENCE = 30

MOST_BYTES = 4 * sum(file.size for file in PUBLISHED.values())
"""Bytes after which a download is broken off: a zip of the set is smaller than its files."""


class DownloadError(Exception):
    """A file could not be downloaded. The message names the server, the reason and the remedy."""


def fetch(url: str, folder: Path, progress: Progress, retries: int = 3) -> Path:
    """Download a file.

    If a download breaks off, the bytes that have arrived stay in the folder under a hidden name,
    and the next one continues after them. (urllib3 2 loses those of the last MiB.)

    Args:
      url: http:// or https://. The addresses of a file on Google Drive are all understood.
      folder: where the file is written, under a hidden name.
      progress: see `Progress`.
      retries: how often a broken connection is opened again.

    Returns:
      The path of the file.

    Raises:
      DownloadError: the server cannot be reached, refuses, or breaks off.
      InvalidData: the address is none, or the file is far too large.
    """
    import gdown.exceptions

    target = folder / f".download-{hashlib.sha256(url.encode()).hexdigest()[:8]}.zip"
    if target.exists():  # of a run that was killed before it unpacked the file
        return target
    with _explaining(url, folder):
        try:
            _download(url, target, progress, retries)
        except gdown.exceptions.DownloadError as error:
            # The server does not know ranges, the file has changed, or all its bytes are here.
            if "byte range" not in str(error):
                raise
            for part in folder.glob(f"{target.name}*.part"):
                part.unlink()
            _download(url, target, progress, retries)
    return target


def _download(url: str, target: Path, progress: Progress, retries: int) -> None:
    import gdown

    def advance(done: int, total: int | None) -> None:
        if max(done, total or 0) > MOST_BYTES:
            raise InvalidData(
                f"{url} has more than {MOST_BYTES:,} bytes, and the published set has fewer. "
                "Give another address."
            )
        progress(done, total or done)

    gdown.download(
        url,
        str(target),
        quiet=True,
        use_cookies=False,  # they would be written to the user's home
        resume=True,
        progress=advance,
        timeout=_SECONDS_OF_SILENCE,
        retries=retries,
    )


@contextmanager
def _explaining(url: str, folder: Path) -> Iterator[None]:
    """Raise what gdown and requests raise as `DownloadError`."""
    import gdown.exceptions
    import requests

    host = _find_host(url)
    page = _DRIVE_PAGE if url == DRIVE_URL else url
    by_hand = f"Or open {page} in a browser, save the zip, and give it with --file."
    try:
        yield
    except gdown.exceptions.FileURLRetrievalError as error:
        # The first of the two is what the page says, or that it says nothing known.
        text = escape(str(error.__context__ or error))
        if "Too many users" in text:
            text = "Too many people have downloaded it lately (quota exceeded). Try again tomorrow."
        elif "Cannot retrieve" in text:
            text = "It shows a page that offers no download."
        raise DownloadError(f"{host} does not hand out the file. {text} {by_hand}") from None
    except requests.HTTPError as error:
        answer = f"{error.response.status_code} {error.response.reason}"
        raise DownloadError(f"{url} cannot be downloaded: {answer}. {by_hand}") from None
    except (gdown.exceptions.DownloadError, requests.RequestException) as error:
        reason = _find_reason(error)
        raise DownloadError(
            f"{host} cannot be reached, or the connection broke off: {reason}. Run the same "
            f"command again: it continues where it stopped. {by_hand}"
        ) from None
    except OSError as error:
        if error.errno and error.filename is None:
            error.filename = str(folder)  # Python names no file when it writes
        raise


def _find_host(url: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.hostname
    raise InvalidData(
        f"{url} is not an address of a file on a server. It begins with https:// or http://."
    )


def _find_reason(error: BaseException) -> str:
    """Return what the operating system said, or else the first sentence of the error."""
    cause = error
    if "incomplete" in str(error) or "IncompleteRead" in str(error):
        return "the server sent fewer bytes than it announced"
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    return getattr(cause, "strerror", None) or str(cause).partition(".\n")[0].rstrip(".")
