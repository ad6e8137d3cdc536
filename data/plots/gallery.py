"""Draws a few labelled spectrograms of every class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data import seed_layout
from data.plots.contrast import find_contrast_limits
from data.plots.labels import escape_label
from data.reading.layout import DIVIDED, Division, Layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_gallery(
    directory: str | Path,
    output: str | Path,
    split: str = "train",
    per_class: int = 4,
    layout: Layout | None = None,
    format_name: str = "auto",
    span: int | None = None,
    division: Division = DIVIDED,
) -> Path:
    """Draw spectrograms of a data folder as a PNG.

    Args:
      directory: a data folder in any format that can be read.
      output: the PNG to write. Its folder is created.
      split: "train" or "validation".
      per_class: number of spectrograms of each class, evenly spread over its rows.
      layout: classes and size; None for those of `read_layout`.
      format_name: as for `take_inventory`.
      span: the span to read; None for the newest.
      division: how to divide data that have no validation part.

    Returns:
      The path of the PNG.

    Raises:
      InvalidData: a file is missing or a row is bad. The message names file and row.
    """
    record = seed_layout.read_record(directory) or {}
    examples = read_examples(
        directory, split, per_class, layout or read_layout(directory), format_name, span, division
    )
    title = f"{Path(directory).resolve().name}, {split}"
    if record.get("simulated"):
        title += f": simulated (preset {record['preset']}, seed {record['seed']})"
    return draw_examples(examples, output, title)


def read_layout(directory: str | Path) -> Layout:
    """Return classes and size from the folder's record, or those of the published set."""
    record = seed_layout.read_record(directory) or {}
    return Layout(
        tuple(record.get("classes", seed_layout.CLASS_NAMES)),
        record.get("height", seed_layout.HEIGHT),
        record.get("width", seed_layout.WIDTH),
    )


def draw_examples(
    examples: Mapping[str, NDArray[Any]],
    output: str | Path,
    title: str = "",
    captions: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """Draw spectrograms as a PNG with one row for each class.

    Args:
      examples: by class name, float or uint8 [n, height, width]; n may differ.
      output: the PNG to write. Its folder is created.
      title: a line above the spectrograms.
      captions: as for `plot_examples`.

    Returns:
      The path of the PNG.
    """
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    plot_examples(examples, title, captions).savefig(output, format="png", dpi=100)
    return output


def plot_examples(
    examples: Mapping[str, NDArray[Any]],
    title: str = "",
    captions: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """Plot spectrograms in one row for each class, time downwards and frequency to the right.

    Args:
      examples: by class name, float or uint8 [n, height, width]; n may differ.
      title: a line above the spectrograms.
      captions: by class name, a text above each spectrogram; None for the class name.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = max(1, *(len(images) for images in examples.values()))
    figure = Figure(figsize=(3.2 * columns, 2.1 * len(examples) + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(examples), columns, squeeze=False)
    for row, (name, images) in zip(axes, examples.items(), strict=True):
        for axis in row[len(images) :]:
            axis.set_axis_off()
        texts = captions[name] if captions else [name] * len(images)
        for axis, image, text in zip(row, images, texts, strict=False):
            _draw(axis, image, text)
        if captions:
            row[0].set_ylabel(f"{escape_label(name)}\ntime (row)", fontsize=7)
    title = f"{escape_label(title)}\n(contrast stretched for each spectrogram)".strip()
    figure.suptitle(title, fontsize=11)
    return figure


def read_examples(
    directory: str | Path,
    split: str,
    per_class: int,
    layout: Layout,
    format_name: str = "auto",
    span: int | None = None,
    division: Division = DIVIDED,
) -> dict[str, NDArray[np.uint8]]:
    """Read a few spectrograms of every class.

    Args:
      directory: a data folder.
      split: "train" or "validation".
      per_class: greatest number of spectrograms of each class, evenly spread over its rows.
      layout: classes and size.
      format_name: as for `take_inventory`.
      span: the span to read; None for the newest.
      division: how to divide data that have no validation part. Then all rows are read.

    Returns:
      By class name, uint8 [up to per_class, height, width].

    Raises:
      InvalidData: a file is missing or a row is bad. The message names file and row.
    """
    from data.reading.inventory import take_inventory
    from data.reading.split import divide, split_images, split_labels

    inventory = divide(
        take_inventory(str(directory), layout, format_name, span, division=division), layout
    )
    labels = split_labels(inventory, split, layout)
    columns = range(len(layout.classes))
    chosen = [_choose_evenly(np.flatnonzero(labels == column), per_class) for column in columns]
    images = split_images(inventory, split, layout, np.concatenate(chosen))
    ends = np.cumsum([len(rows) for rows in chosen])
    return dict(zip(layout.classes, np.split(images, ends[:-1]), strict=True))


def _draw(axis: Axes, image: NDArray[Any], caption: str) -> None:
    darkest, lightest = find_contrast_limits(image)
    axis.imshow(image, cmap="gray", vmin=darkest, vmax=lightest, aspect="auto")
    axis.set_title(escape_label(caption), fontsize=9)
    axis.set_xlabel("frequency (channel)", fontsize=7)
    axis.set_ylabel("time (row)", fontsize=7)
    axis.tick_params(labelsize=6)


def _choose_evenly(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]
