"""The command that cuts a telescope's observation into spectrogram tiles."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import FILE, FOLDER, SPLIT, combine

if TYPE_CHECKING:
    from data.telescope.tile_folder import Written
    from data.telescope.tiling import Tiling

_COUNT = click.IntRange(min=1)

band_options = combine(
    click.option("--from-mhz", type=float, metavar="MHZ", help="Lowest frequency."),
    click.option("--to-mhz", type=float, metavar="MHZ", help="Highest frequency."),
)

size_options = combine(
    click.option(
        "--height",
        type=_COUNT,
        metavar="N",
        default=16,
        show_default=True,
        help="Rows (time) of a tile.",
    ),
    click.option(
        "--width",
        type=_COUNT,
        metavar="N",
        default=512,
        show_default=True,
        help="Columns (frequency) of a tile.",
    ),
)

cut_options = combine(
    click.option(
        "--time-overlap", is_flag=True, help="Tiles share as much with the next one along time."
    ),
    click.option(
        "--decimate-time",
        type=_COUNT,
        metavar="N",
        default=1,
        show_default=True,
        help="Rows of the observation in a row of a tile.",
    ),
    click.option(
        "--decimate-frequency",
        type=_COUNT,
        metavar="N",
        default=1,
        show_default=True,
        help="Channels of the observation in a column of a tile.",
    ),
    band_options,
    click.option(
        "--coarse-channels",
        type=click.IntRange(min=0),
        metavar="N",
        help="Coarse channels in the observation; 0 for none.  [default: those of Breakthrough "
        "Listen, if the channels have their width]",
    ),
)


@click.command()
@click.argument("observation", type=FILE)
@click.argument("directory", type=FOLDER)
@size_options
@click.option(
    "--overlap",
    type=click.FloatRange(0.0, 1.0, max_open=True),
    metavar="FRACTION",
    help="Fraction of a tile that it shares with the next one along frequency.  [default: 0.5; "
    "0 with --labels]",
)
@cut_options
@click.option(
    "--labels",
    type=FILE,
    metavar="TABLE.csv",
    help="Table of labelled signals: frequency_mhz, class and, if you like, start_s, stop_s, "
    "drift_hz_s.",
)
@click.option(
    "--split",
    default="train",
    show_default=True,
    type=SPLIT,
    help="With --labels: which images these are.",
)
@click.option("--overwrite", is_flag=True, help="Replace tiles that are in DIRECTORY.")
def tile(
    observation: str, directory: str, labels: str | None, split: str, overwrite: bool, **grid: Any
) -> None:
    """Cut an OBSERVATION into spectrogram tiles, and write them to DIRECTORY.

    OBSERVATION is a SIGPROC filterbank file (.fil) or a filterbank file in HDF5 (.h5). It is read
    by ranges, so it may be larger than the memory. Each tile is freed of the telescope's response
    and of DC channels, and becomes grey levels as the simulated images do. Frequency rises to the
    right and time passes downwards.

    DIRECTORY gets images.npy, and tiles.csv with the frequency (MHz) and time (MJD) of each tile,
    the width of a column (Hz), the time of a row (s) and the fraction at the edges of coarse
    channels.

    With a table of labelled signals, DIRECTORY becomes a data folder for training. A tile without
    a signal is "noise". A tile with signals of two classes, or with one at its edge, is left out.
    Cut another observation with --split validation, so that no signal is in both:

      radio-signals data tile first.h5 DIR --labels first.csv

      radio-signals data tile second.h5 DIR --labels second.csv --split validation
    """
    from data.telescope.labels import read_labels
    from data.telescope.observation import open_observation
    from data.telescope.tile_folder import write_tiles
    from data.telescope.tiling import Grid, Tiling
    from pipeline.terminal.console import make_console, show_progress_bar

    if grid["overlap"] is None:
        grid["overlap"] = 0.0 if labels else 0.5
    started = time.perf_counter()
    with open_observation(observation) as opened:
        table = read_labels(labels, opened.header) if labels else None
        tiling = Tiling(opened, Grid(**grid))
        click.echo(f"{observation}: {opened.header}")
        with show_progress_bar(make_console(), "tiling", total=len(tiling)) as advance:
            try:
                written = write_tiles(opened, tiling, directory, table, split, overwrite, advance)
            except FileExistsError as error:
                raise click.UsageError(f"{error} Option: --overwrite.") from None
            except NotADirectoryError as error:
                raise click.UsageError(str(error)) from None
    _print_summary(directory, tiling, written, time.perf_counter() - started)


def _print_summary(directory: str, tiling: Tiling, written: Written, seconds: float) -> None:
    grid, header, coarse = tiling.grid, tiling.header, tiling.coarse
    mebibytes = header.rows * len(tiling.band) * header.dtype.itemsize / 2**20
    click.echo(
        f"{directory}: {written.tiles:,} tiles of {grid.height} x {grid.width} in {seconds:.1f} s, "
        f"{mebibytes / seconds:,.0f} MiB/s, {written.tiles / seconds:,.0f} tiles/s"
    )
    if written.classes:
        counts = (f"{name} {count:,}" for name, count in written.classes.most_common())
        click.echo(f"classes: {', '.join(counts)}")
    if header.ifs > 1:
        click.echo(f"Only the first of {header.ifs} IFs was read.")
    if coarse.channels:
        click.echo(
            f"{header.channels // coarse.channels:,} coarse channels of {coarse.channels:,} "
            "channels, each with its DC channel replaced by its neighbours."
        )
    else:
        click.echo(
            "Coarse channels are unknown, so no DC channel was replaced and no edge marked. "
            "Option: --coarse-channels."
        )
    if written.without_contrast:
        click.echo(f"Left out: {written.without_contrast:,} tiles in which nothing was recorded.")
    if written.ambiguous:
        click.echo(
            f"Left out: {written.ambiguous:,} tiles with signals of two classes, or with one at "
            "their edge."
        )


def draw_telescope_data(
    path: str,
    output: str,
    split: str,
    per_class: int,
    from_mhz: float | None,
    to_mhz: float | None,
) -> bool:
    """Draw an observation or a folder of tiles; return False if the path is neither."""
    from data.telescope.tile_folder import is_tile_folder

    if os.path.isfile(path):
        from data.telescope.observation import open_observation
        from data.telescope.plots import draw_observation
        from pipeline.terminal.console import make_console, show_progress_bar

        with (
            open_observation(path) as observation,
            show_progress_bar(make_console(), "reading") as advance,
        ):
            draw_observation(observation, output, from_mhz, to_mhz, advance)
        return True
    if from_mhz is not None or to_mhz is not None:
        raise click.UsageError("--from-mhz and --to-mhz are for an observation, which is a file.")
    if not is_tile_folder(path):
        return False
    from data.telescope.plots import draw_tiles

    draw_tiles(path, output, split, per_class)
    return True
