"""Commands that make and inspect data folders."""

from __future__ import annotations

import time
from typing import Any

import click

from data.simulation.presets import INGREDIENTS, PRESETS
from pipeline.cli.convert import convert
from pipeline.cli.download import download
from pipeline.cli.options import (
    FILE,
    FOLDER,
    SPLIT,
    config_options,
    format_option,
    read_config,
    reading_options,
    span_option,
    validation_fraction_option,
)
from pipeline.cli.tile import band_options, draw_telescope_data, tile


@click.group()
def data() -> None:
    """Make, check and show data folders."""


@data.command()
@click.argument("directory", type=FOLDER)
@click.option("--train", default=3200, show_default=True, help="Number of training images.")
@click.option("--validation", default=800, show_default=True, help="Number of validation images.")
@click.option(
    "--test",
    default=0,
    show_default=True,
    help="Number of test images, which measure the model and choose nothing.",
)
@click.option("--seed", default=0, show_default=True, help="Each seed gives other images.")
@click.option(
    "--preset",
    default="basic",
    show_default=True,
    type=click.Choice(list(PRESETS)),
    help="basic: every signal is visible. hard: the faintest are just invisible. crowded: "
    "interference beside them. mixed: all of these, and signals of hard beside interference.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(list(INGREDIENTS)),
    help="Leave out a kind of interference of the preset. Can be repeated.",
)
@click.option(
    "--classes",
    default="squiggle,narrowbanddrd,narrowband,noise",
    show_default=True,
    metavar="NAMES",
    help="Classes in the order of the label columns; primary: those of the SETI primary sets.",
)
@click.option("--height", default=64, show_default=True, help="Rows (time) of an image.")
@click.option("--width", default=128, show_default=True, help="Columns (frequency) of an image.")
@click.option(
    "--rendering",
    default="jet",
    show_default=True,
    # Those of `data.spectrogram`, whose import would delay every command.
    type=click.Choice(["jet", "amplitude"]),
    help="jet: dark signals, as in the published basic set. amplitude: light signals, as in the "
    "SETI primary sets.",
)
@click.option("--workers", type=int, help="Number of processes.  [default: one per core]")
@click.option("--overwrite", is_flag=True, help="Replace an existing data set.")
def simulate(
    directory: str, preset: str, without: tuple[str, ...], classes: str, **options: Any
) -> None:
    """Write a SIMULATED data set to DIRECTORY.

    It has the layout of the published data set: train/ and validation/ each get images.csv with one
    spectrogram per row, and labels.csv with one one-hot label per row. With --test, so does test/.

    To simulate the seven classes of the SETI primary sets as they look (they have --height 384 and
    --width 512):

      radio-signals data simulate DIR --classes primary --rendering amplitude
    """
    from data.simulation.classes import PRIMARY
    from data.simulation.dataset import simulate_dataset
    from pipeline.terminal.console import make_console, show_progress_bar

    names = [name.strip() for name in classes.split(",")]
    options["classes"] = PRIMARY if names == ["primary"] else names
    options["preset"] = PRESETS[preset].without(without)
    counts = {split: options[split] for split in SPLIT.choices if options[split]}
    started = time.perf_counter()
    with show_progress_bar(make_console(), "simulating", total=sum(counts.values())) as advance:
        try:
            simulate_dataset(directory, **options, progress=advance)
        except FileExistsError as error:
            raise click.UsageError(f"{error} Option: --overwrite.") from None
        except (ValueError, NotADirectoryError) as error:
            raise click.UsageError(str(error)) from None
    images = " + ".join(f"{count:,} {split}" for split, count in counts.items())
    click.echo(
        f"{directory}: {images} images, simulated (preset {preset}, seed {options['seed']}) "
        f"in {time.perf_counter() - started:.1f} s"
    )


@data.command()
@click.argument("directory", type=click.Path())
@config_options
@reading_options
def check(directory: str, **options: Any) -> None:
    """List every problem of the data in DIRECTORY.

    This reads all files and names the file, row and column of each problem. It finds everything in
    the files that `run` would refuse, but takes only seconds.

    Exit status: 0 no errors, possibly warnings; 2 errors.
    """
    from pipeline.data_commands.check import check_data

    check_data(read_config(data=directory, **options))


@data.command()
@click.argument("directory", type=click.Path())
@click.option(
    "--output", type=FILE, default="gallery.png", show_default=True, help="Image file to write."
)
@click.option(
    "--split",
    default="train",
    show_default=True,
    type=SPLIT,
    help="Which images to draw.",
)
@click.option("--per-class", default=4, show_default=True, help="Spectrograms of each class.")
@config_options
@format_option
@span_option
@validation_fraction_option
@band_options
def show(
    directory: str,
    output: str,
    split: str,
    per_class: int,
    from_mhz: float | None,
    to_mhz: float | None,
    **options: Any,
) -> None:
    """Draw a labelled gallery of the spectrograms in DIRECTORY.

    DIRECTORY may be a folder of tiles or the file of an observation (.fil, .h5), which are drawn
    with axes in MHz and seconds.

    Classes, height and width are those of the configuration, or else those that the simulator
    recorded, or else those of the published data set.
    """
    from dataclasses import replace

    from data.plots.gallery import draw_gallery, read_layout

    if draw_telescope_data(directory, output, split, per_class, from_mhz, to_mhz):
        click.echo(output)
        return
    config = read_config(**options)
    recorded = read_layout(directory)
    keys = {"classes", "height", "width"} - config.set_keys
    draw_gallery(
        directory,
        output,
        split=split,
        per_class=per_class,
        layout=replace(config.layout, **{key: getattr(recorded, key) for key in keys}),
        format_name=config.input.format,
        span=config.input.span,
        division=config.division,
    )
    click.echo(output)


data.add_command(convert)
data.add_command(download)
data.add_command(tile)
