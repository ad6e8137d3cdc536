"""Draws a candidate: the power of its tile, its track, and the sum of power along the track."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.plot_labels import escape_label
from data.telescope.observation import Observation
from data.telescope.plots import scale_frequencies
from data.telescope.tiling import Tiling
from pipeline.classify.candidates import Candidate
from pipeline.classify.track import measure_track, read_strip

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
    decibels = 10.0 * np.log10(np.maximum(strip[:, left : left + width], _LEAST_POWER))
    low, high, label = scale_frequencies(candidate.low_mhz, candidate.high_mhz)
    scale = (high - low) / (candidate.high_mhz - candidate.low_mhz)

    figure = Figure(figsize=(7.0, 6.0), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(escape_label(_describe(observation, candidate)), fontsize=10)
    waterfall, spectrum = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [2.2, 1], "hspace": 0.02}
    )
    picture = waterfall.imshow(
        decibels,
        aspect="auto",
        interpolation="nearest",
        cmap="viridis",
        extent=(low, high, candidate.stop_s, candidate.start_s),
        vmin=np.percentile(decibels, 2.0),
        vmax=max(np.percentile(decibels, 99.8), 3.0),
    )
    figure.colorbar(picture, ax=waterfall, label="power (dB above the noise)")
    times = (candidate.start_s, candidate.stop_s)
    track = np.array([candidate.find_frequency(time) - candidate.low_mhz for time in times])
    track = low + scale * track
    for side in (-1.0, 1.0):
        waterfall.plot(track + side * _DISTANCE * (high - low), times, "--", color="red", lw=1.2)
    waterfall.set_xlim(low, high)
    waterfall.set_ylabel("time (s after the first row)")
    edges = np.linspace(low, high, width + 1)
    spectrum.plot(
        0.5 * (edges[1:] + edges[:-1]), measure_track(strip, left, width).spectrum, lw=1.0
    )
    spectrum.set_ylabel("sum along the track\n(standard deviations)")
    spectrum.set_xlabel(f"{label}, in the middle of the tile")
    spectrum.grid(alpha=0.3)
    figure.savefig(output, format="png", dpi=100)


def _describe(observation: Observation, candidate: Candidate) -> str:
    return (
        f"{Path(observation.path).name}, tile {candidate.tile}: {candidate.class_name} "
        f"({candidate.score:.4f})\n{candidate.frequency_mhz:,.6f} MHz, {candidate.drift_hz_s:+.4g} "
        f"Hz/s, SNR {candidate.snr:.1f}, from MJD {candidate.start_mjd:.6f}"
    )
