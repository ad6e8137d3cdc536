"""The command that asks a pushed model for the classes of files and observations."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from pipeline.cli.options import (
    FILE,
    FOLDER,
    SPLIT,
    combine,
    config_options,
    debug_option,
    read_config,
    span_option,
)
from pipeline.cli.tile import cut_options

threshold_option = click.option(
    "--threshold",
    type=click.FloatRange(0.0, 1.0),
    default=0.8,
    show_default=True,
    help="A class with a lower score is marked as uncertain.",
)
image_options = combine(
    threshold_option,
    click.option(
        "--batch",
        "batch_size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Images that the model gets at a time.  [default: 256, fewer of large images]",
    ),
    click.option(
        "--max-bad-rows",
        "input__max_bad_rows",
        type=int,
        metavar="N",
        help="Leave out up to this many bad rows instead of refusing the input.  [default: 0]",
    ),
    click.option(
        "--split",
        type=SPLIT,
        help="Which images of data folders to classify.  [default: all]",
    ),
    span_option,
    click.option(
        "--no-resize",
        "input__resize",
        is_flag=True,
        flag_value=False,
        default=None,
        help="Refuse pictures of another size instead of resizing them.",
    ),
)


@click.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "--model",
    "model_folder",
    default="runs/serving",
    show_default=True,
    metavar="DIR",
    help="Folder of pushed models, whose newest is taken, or of one version, or output folder of "
    "a run.",
)
@click.option(
    "--output",
    metavar="FILE",
    help="Table to write: .csv, .jsonl (lines of JSON) or .parquet.  [default: CSV on standard "
    "output]",
)
@image_options
@click.option("--plot", type=FILE, metavar="FILE.png", help="Draw some images of each class.")
@click.option(
    "--plots", type=FOLDER, metavar="DIR", help="Observations: draw each candidate with its track."
)
@click.option(
    "--min-snr",
    type=float,
    default=0.0,
    metavar="X",
    show_default=True,
    help="Observations: leave out candidates with a lower signal-to-noise ratio.",
)
@click.option(
    "--noise-class",
    default="noise",
    show_default=True,
    metavar="NAME",
    help="Observations: the class of a tile without a signal.",
)
@click.option(
    "--overlap",
    type=click.FloatRange(0.0, 1.0, max_open=True),
    metavar="FRACTION",
    default=0.5,
    show_default=True,
    help="Observations: fraction of a tile that it shares with the next one along frequency.",
)
@cut_options
@config_options
@debug_option()
def classify(debug: bool, **options: Any) -> None:  # noqa: ARG001 - see main
    r"""Classify spectrograms, or search observations, with a pushed model.

    INPUT is a file of any format that can be read, with or without labels: CSV, NPY, NPZ, IDX, a
    picture, voltages (.dat, complex .npy), TFRecords of tf.Examples. Or a data folder, or a folder
    of such files. Or - for rows of CSV from standard input. Files are read from the first row to
    the last while the model computes, so they may be larger than the memory.

      radio-signals classify new.npy --output classes.csv

      radio-signals classify DIR --split validation --plot gallery.png

      producer | radio-signals classify - | consumer

    The table has a row for each image: source, row, class, score, the probability of each class as
    p_CLASS, and whether it is uncertain. With labels, it has these too, and scikit-learn's report
    is printed.

    Observations (.fil, .h5) are cut into overlapping tiles of the model's size. The table has a row
    for each candidate, a signal in one or more tiles: frequency, drift rate, signal-to-noise ratio,
    class, score, tile and time. A scan that was interrupted goes on where it stopped.

      radio-signals classify voyager.h5 --output candidates.csv --plots candidates

    A table is written completely or not at all.

    Exit status: 0 done; 2 the input or the options refused; 1 any other failure.
    """
    from components.spectrogram_example_gen.file_systems import choose_files
    from data.telescope.tiling import Grid
    from pipeline.classify.command import Request, run

    reading = {name: options.pop(name) for name in list(options) if name.startswith("input__")}
    config = read_config(options.pop("config_file"), options.pop("settings"), **reading)
    grid = {each.name: options.pop(each.name) for each in fields(Grid) if each.name in options}
    settings = config.input
    run(
        Request(
            **options,
            grid=grid,
            layout=config.layout,
            span=settings.span,
            max_bad_rows=settings.max_bad_rows,
        ),
        choose_files,
    )
