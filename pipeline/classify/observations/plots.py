"""Draws a candidate: the power of its tile, its track, and the sum of power along the track."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.plots.labels import escape_label
from data.telescope.observation import Observation
from data.telescope.plots import scale_frequencies
from data.telescope.tiling import Tiling
from pipeline.classify.observations.candidates import Candidate
from pipeline.classify.observations.track import measure_track, read_strip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

# The track is drawn so far from the line on either side, in widths of the tile: the line stays
# visible.
_DISTANCE = 0.03

_LEAST_POWER = 1e-3


def draw_candidate(
    observation: Observation, tiling: Tiling, candidate: Candidate, output: Path
) -> None:
    """Draw a candidate as a PNG.

    Args:
      observation: the observation that it is in.
      tiling: the tiles.
      candidate: what to draw.
      output: the PNG to write.

    Raises:
      InvalidData: the observation is damaged.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    strip, left = read_strip(observation, tiling, candidate.tile)
    width = tiling.grid.width
    power = strip[:, left : left + width]
    figure = Figure(figsize=(7.0, 6.0), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(escape_label(_describe(observation, candidate)), fontsize=10)
    waterfall, spectrum = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [2.2, 1], "hspace": 0.02}
    )
    low, high, label = scale_frequencies(candidate.low_mhz, candidate.high_mhz)
    picture = _draw_power(waterfall, power, candidate, low, high)
    figure.colorbar(picture, ax=waterfall, label="power (dB above the noise)")
    edges = np.linspace(low, high, width + 1)
    sums = measure_track(strip, left, width).spectrum
    spectrum.plot(0.5 * (edges[1:] + edges[:-1]), sums, lw=1.0)
    spectrum.set_ylabel("sum along the track\n(standard deviations)")
    spectrum.set_xlabel(f"{label}, in the middle of the tile")
    spectrum.grid(alpha=0.3)
    figure.savefig(output, format="png", dpi=100)


def _draw_power(
    axis: Axes, power: NDArray[np.float32], candidate: Candidate, low: float, high: float
) -> AxesImage:
    """Draw the power of a tile [height, width], and the track on both sides of the line.

    Args:
      axis: where to draw.
      power: of the tile, in units of the noise.
      candidate: the candidate in it.
      low: lower edge of the tile in units of the axis.
      high: upper edge of the tile.
    """
    decibels = 10.0 * np.log10(np.maximum(power, _LEAST_POWER))
    picture = axis.imshow(
        decibels,
        aspect="auto",
        interpolation="nearest",
        cmap="viridis",
        extent=(low, high, candidate.stop_s, candidate.start_s),
        vmin=float(np.percentile(decibels, 2.0)),
        vmax=max(float(np.percentile(decibels, 99.8)), 3.0),
    )
    times = (candidate.start_s, candidate.stop_s)
    track = np.array([candidate.find_frequency(time) - candidate.low_mhz for time in times])
    track *= (high - low) / (candidate.high_mhz - candidate.low_mhz)
    for side in (-_DISTANCE, _DISTANCE):
        axis.plot(low + track + side * (high - low), times, "--", color="red", lw=1.2)
    axis.set_xlim(low, high)
    axis.set_ylabel("time (s after the first row)")
    return picture


def _describe(observation: Observation, candidate: Candidate) -> str:
    return (
        f"{Path(observation.path).name}, tile {candidate.tile}: {candidate.class_name} "
        f"({candidate.score:.4f})\n{candidate.frequency_mhz:,.6f} MHz, {candidate.drift_hz_s:+.4g} "
        f"Hz/s, SNR {candidate.snr:.1f}, from MJD {candidate.start_mjd:.6f}"
    )
