"""Draws observations and tiles, with axes in MHz and seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.plots.contrast import find_contrast_limits
from data.plots.labels import escape_label
from data.seed_layout import SPLITS
from data.telescope.observation import Observation
from data.telescope.tile_folder import read_tiles
from data.telescope.waterfall import Waterfall, measure_waterfall

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 100

# Ticks of narrower bands would differ only after many digits in MHz. They are in kHz or Hz from
# the middle.
_NARROWEST_MHZ = 0.1
_NARROWEST_KHZ = 5.0

# Of tiles without labels, so many are searched for the loudest signals.
_MOST_EXAMINED = 20_000


def draw_observation(
    observation: Observation,
    output: str | Path,
    from_mhz: float | None = None,
    to_mhz: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw the spectrum and the waterfall of an observation as a PNG.

    Args:
      observation: it is read by ranges.
      output: the PNG to write. Its folder is created.
      from_mhz: lowest frequency to draw, in MHz; None for that of the observation.
      to_mhz: highest frequency to draw, in MHz; None for that of the observation.
      progress: called with (values read, all values).

    Returns:
      The path of the PNG.

    Raises:
      InvalidData: the file is damaged, or has no such frequencies.
    """
    waterfall = measure_waterfall(observation, from_mhz, to_mhz, progress)
    figure = _make_figure(12.0, 6.5)
    figure.suptitle(
        escape_label(f"{Path(observation.path).name}: {observation.header}"), fontsize=10
    )
    spectrum, image = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [1, 2.2], "hspace": 0.02}
    )
    low, high, label = scale_frequencies(waterfall.low_mhz, waterfall.high_mhz)
    _draw_spectrum(spectrum, waterfall, low, high)
    decibels = _to_decibels(waterfall.greatest)
    recorded = decibels[np.isfinite(decibels)]
    least, most = np.percentile(recorded, (2.0, 99.9)) if recorded.size else (0.0, 0.0)
    picture = image.imshow(
        decibels,
        aspect="auto",
        interpolation="nearest",
        cmap="viridis",
        extent=(low, high, waterfall.seconds, 0.0),
        vmin=least,
        vmax=max(most, least + 3.0),
    )
    image.set_facecolor("lightgrey")
    image.ticklabel_format(axis="x", useOffset=False)
    image.set_xlabel(label)
    image.set_ylabel("time (s)")
    figure.colorbar(picture, ax=image, label="greatest power in a pixel\n(dB above the noise)")
    return _save(figure, output)


def draw_tiles(
    directory: str | Path, output: str | Path, split: str = SPLITS[0], per_class: int = 4
) -> Path:
    """Draw some tiles of a folder as a PNG, one line for each class.

    Args:
      directory: a folder that `write_tiles` wrote.
      output: the PNG to write. Its folder is created.
      split: "train" or "validation", of tiles with labels.
      per_class: number of tiles of each class, evenly spread. Without labels, there are two lines
        of as many with the loudest signals, and two evenly spread.

    Returns:
      The path of the PNG.

    Raises:
      InvalidData: a file is missing or damaged.
    """
    images, table = read_tiles(directory, split)
    lines = _choose_tiles(images, table, per_class)
    columns = max(len(tiles) for _, tiles in lines)
    # A pixel of the plot or more for each column, so that narrow lines stay dark.
    wide = min(max(3.4, images.shape[2] / _DPI + 0.6), 8.0)
    figure = _make_figure(wide * columns, 2.0 * len(lines) + 0.6)
    name = Path(directory).resolve().name + (f", {split}" if "class" in table else "")
    source = str(table["source"].iloc[0]) if "source" in table else ""
    title = f"{name}: {len(table):,} tiles of {source or 'an observation'}"
    figure.suptitle(f"{escape_label(title)}\n(contrast stretched for each)", fontsize=11)
    grid = figure.subplots(len(lines), columns, squeeze=False)
    for axes, (label, tiles) in zip(grid, lines, strict=True):
        for axis in axes[len(tiles) :]:
            axis.set_axis_off()
        for axis, tile in zip(axes, tiles, strict=False):
            _draw_tile(axis, images[tile], table.iloc[tile], label)
    return _save(figure, output)


def _choose_tiles(
    images: NDArray[np.uint8], table: pd.DataFrame, count: int
) -> list[tuple[str, NDArray[np.int64]]]:
    """Return lines of up to `count` tiles: what they have in common, and their numbers."""
    if "class" in table:
        classes = table["class"].to_numpy(str)
        names = np.unique(classes)
        return [(name, _choose_evenly(np.flatnonzero(classes == name), count)) for name in names]
    examined = _choose_evenly(np.arange(len(table)), _MOST_EXAMINED)
    # The louder the loudest pixel, the lighter is the noise, because an image is divided by it.
    lightness = np.array([images[tile].mean() for tile in examined])
    lines = {
        "loudest": np.sort(examined[np.argsort(-lightness, kind="stable")[: 2 * count]]),
        "evenly spread": _choose_evenly(examined, 2 * count),
    }
    return [
        (name, tiles[first : first + count])
        for name, tiles in lines.items()
        for first in range(0, len(tiles), count)
    ]


def _choose_evenly(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]


def _draw_tile(axis: Axes, image: NDArray[np.uint8], tile: Any, label: str) -> None:
    height, width = image.shape
    half = 0.5e-6 * tile.channel_width_hz * width
    low, high, unit = scale_frequencies(tile.centre_mhz - half, tile.centre_mhz + half)
    darkest, lightest = find_contrast_limits(image)
    axis.imshow(
        image,
        cmap="gray",
        vmin=darkest,
        vmax=lightest,
        aspect="auto",
        extent=(low, high, height * tile.sample_time_s, 0.0),
    )
    axis.set_title(escape_label(f"{label}  MJD {tile.start_mjd:.5f}".strip()), fontsize=8)
    axis.set_xlabel(unit, fontsize=7)
    axis.set_ylabel("time (s)", fontsize=7)
    axis.tick_params(labelsize=6)


def _draw_spectrum(axis: Axes, waterfall: Waterfall, low: float, high: float) -> None:
    """Draw the response, and the greatest power at any time, by frequency."""
    noise = _to_decibels(waterfall.response)
    edges = np.linspace(low, high, len(noise) + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    greatest = noise + _to_decibels(waterfall.greatest.max(axis=0))
    axis.plot(middles, greatest, lw=0.7, color="tab:red", label="greatest")
    axis.plot(middles, noise, lw=1.0, color="black", label="noise (median)")
    axis.set_ylabel("power (dB)")
    axis.legend(loc="upper right", fontsize=8, ncols=2)
    axis.margins(x=0.0)
    axis.grid(alpha=0.3)


def scale_frequencies(low: float, high: float) -> tuple[float, float, str]:
    """Return the edges of a band in a unit that suits its width, and the label of the axis.

    Args:
      low: lowest frequency in MHz.
      high: highest frequency in MHz.
    """
    middle, width = 0.5 * (low + high), high - low
    if width >= _NARROWEST_MHZ:
        return low, high, "frequency (MHz)"
    factor, unit = (1e3, "kHz") if 1e3 * width >= _NARROWEST_KHZ else (1e6, "Hz")
    return -0.5 * factor * width, 0.5 * factor * width, f"{unit} from {middle:,.6f} MHz"


def _to_decibels(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return power in dB; NaN where it is not positive."""
    positive = np.where(power > 0.0, power, np.nan)
    return 10.0 * np.log10(positive)


def _make_figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, output: str | Path) -> Path:
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, format="png", dpi=_DPI)
    return output
