"""`radio-signals data convert`: checks a data folder and writes it in another format."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from components.spectrogram_example_gen.file_systems import choose_files
from data.convert import TAKEN, Target, refuse_nesting, write_converted
from data.placement import placing
from pipeline.config.config import Config
from pipeline.data_commands.check import check_data
from pipeline.terminal.console import make_console, show_progress_bar


def convert_data(config: Config, output: str, target: Target, overwrite: bool) -> None:
    """Convert the data folder of a configuration, completely or not at all.

    Args:
      config: names the data and how they are read.
      output: the folder to write. It is created.
      target: the format to write.
      overwrite: replace a data set in the folder.

    Raises:
      FileExistsError: a data set is in the output folder and `overwrite` is False.
      InvalidData: the data have errors, or the output folder holds them.
    """
    refuse_nesting(config.data, output)
    console = make_console()
    with placing(Path(output), TAKEN, overwrite) as unfinished:
        inventory, findings = check_data(config)
        with show_progress_bar(console, "writing") as advance:
            files = choose_files(config.data)
            write_converted(inventory, findings, target, config.layout, unfinished, files, advance)
    images = " + ".join(f"{count:,} {split}" for split, count in findings.images.items())
    console.print(f"{escape(output)}: {images} images as {target}")
