"""`radio-signals data download`: fetches, verifies, unpacks and checks the published data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from data import seed_layout
from data.invalid import InvalidData
from data.placement import placing
from data.published_set import files as published_files
from data.published_set.download import DRIVE_URL, DownloadError, fetch
from pipeline.config.loading import load_config
from pipeline.data_commands.check import check_data
from pipeline.terminal.console import make_console, show_progress_bar
from pipeline.terminal.failures import ServiceError


def download_data(
    directory: str,
    url: str | None = None,
    zip_file: str | None = None,
    overwrite: bool = False,
    published: Mapping[str, published_files.PublishedFile] = published_files.PUBLISHED,
) -> None:
    """Fetch the published set to a folder, unless it is there, and check it.

    Args:
      directory: the folder. It is created.
      url: address of a zip of the set; None for the author's on Google Drive.
      zip_file: a zip of the set on this machine, instead of a download.
      overwrite: replace another data set in the folder.
      published: the files of the set.

    Raises:
      FileExistsError: another data set is in the folder and `overwrite` is False.
      InvalidData: the zip does not hold the set, or another process is writing to the folder.
      ServiceError: the zip could not be downloaded.
    """
    console = make_console()
    folder = Path(directory)
    if published_files.holds_published_set(folder, published):
        console.print(f"{escape(directory)} holds the published set already: all sums agree")
        return
    with placing(folder, seed_layout.FILES, overwrite) as unfinished:
        if zip_file is not None:
            _unpack(Path(zip_file), zip_file, unfinished, published, console)
        else:
            address = url or DRIVE_URL
            archive = _fetch(address, folder, console)
            try:
                _unpack(archive, address, unfinished, published, console)
            except InvalidData:
                archive.unlink()  # it would be unpacked again, and refused again
                raise
    if zip_file is None:
        archive.unlink()
    console.print(f"{escape(directory)}: the published set, all sums agree")
    check_data(load_config(options={"data": directory}))


def _fetch(url: str, folder: Path, console: Console) -> Path:
    console.print(f"downloading {escape(url)}")
    try:
        with show_progress_bar(console, "downloading", in_bytes=True) as advance:
            return fetch(url, folder, advance)
    except DownloadError as error:
        raise ServiceError(str(error)) from None


def _unpack(
    archive: Path,
    origin: str,
    folder: Path,
    published: Mapping[str, published_files.PublishedFile],
    console: Console,
) -> None:
    with show_progress_bar(console, "unpacking", in_bytes=True) as advance:
        published_files.unpack(archive, folder, advance, published, origin)
