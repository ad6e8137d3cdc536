"""The command that writes data in another format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import FOLDER, config_options, read_config, reading_options

if TYPE_CHECKING:
    from data.convert import Target


@click.command()
@click.argument("directory", metavar="IN", type=click.Path())
@click.argument("output", metavar="OUT", type=FOLDER)
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Choice(("csv", "npz", "image-folder")),
    help="Format to write.",
)
@click.option("--overwrite", is_flag=True, help="Replace a data set in OUT.")
@config_options
@reading_options
def convert(directory: str, output: str, target: Target, overwrite: bool, **options: Any) -> None:
    """Write the data in IN, of any format that can be read, to OUT.

    \b
      csv            OUT/train/images.csv and labels.csv, the layout of the published set
      npz            OUT/train.npz with the arrays images (grey levels) and labels (class names)
      image-folder   OUT/train/CLASS/*.png

    The same for validation. The data are checked as by `radio-signals data check`, and nothing is
    written if they have errors. The rows keep their order, and grey levels are kept exactly.

    Exit status: 0 written; 2 the data or the options refused; 1 any other failure.
    """  # noqa: D301 - click does not wrap a paragraph that begins with \b
    from pipeline.data_commands.convert import convert_data

    try:
        convert_data(read_config(data=directory, **options), output, target, overwrite)
    except FileExistsError as error:
        raise click.UsageError(f"{error} Option: --overwrite.") from None
    except NotADirectoryError as error:
        raise click.UsageError(str(error)) from None
