"""The command that fetches the published data set."""

from __future__ import annotations

import click

from pipeline.cli.options import FOLDER


@click.command()
@click.argument("directory", type=FOLDER)
@click.option("--url", metavar="URL", help="Download a zip of the set from there instead.")
@click.option(
    "--file",
    "zip_file",
    type=click.Path(exists=True, dir_okay=False),
    help="Use this zip of the set instead of a download.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing data set.")
def download(directory: str, url: str | None, zip_file: str | None, overwrite: bool) -> None:
    """Download the published four-class data set to DIRECTORY.

    The author's zip on Google Drive holds 3,200 training and 800 validation spectrograms of 64 x
    128 pixels, 295 MB. Size and SHA-256 of all four files are verified, and the data are checked as
    by `radio-signals data check`. If DIRECTORY holds the set already, nothing is done.

    A download that broke off continues where it stopped when the command is given again.

    Exit status: 0 the set is there; 2 the zip or the options refused; 1 it could not be downloaded.
    """
    from pipeline.data_commands.download import download_data

    if url and zip_file:
        raise click.UsageError("--url and --file exclude each other.")
    try:
        download_data(directory, url, zip_file, overwrite)
    except FileExistsError as error:
        raise click.UsageError(f"{error} Option: --overwrite.") from None
    except NotADirectoryError as error:
        raise click.UsageError(str(error)) from None
