"""A picture of a data folder: a few labelled spectrograms of every class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data import seed_layout
from data.contrast import shown_range
from data.reading.layout import Layout

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_gallery(
    directory: str | Path,
    output: str | Path,
    split: str = "train",
    per_class: int = 4,
    layout: Layout | None = None,
) -> Path:
    """Draws a gallery of a data folder as a PNG.

    Args:
      directory: a data folder in any format that can be read.
      output: the PNG to write; its folder is made if need be.
      split: "train" or "validation".
      per_class: spectrograms of every class, evenly spread over the class's rows.
      layout: classes and size; None for what the folder's record says, or else the published
        set's.

    Returns:
      The PNG's path.

    Raises:
      InvalidData: a file is missing, or a row does not hold what it should; the message names
        file and row.
    """
    record = seed_layout.read_record(directory) or {}
    layout = layout or recorded_layout(directory)
    examples = read_examples(directory, split, per_class, layout)
    title = f"{Path(directory).resolve().name}, {split}"
    if record.get("simulated"):
        title += f": simulated (preset {record['preset']}, seed {record['seed']})"
    return draw_examples(examples, output, title)


def recorded_layout(directory: str | Path) -> Layout:
    """What a folder's record says of classes and size, or else the published set's."""
    record = seed_layout.read_record(directory) or {}
    return Layout(
        tuple(record.get("classes", seed_layout.CLASS_NAMES)),
        record.get("height", seed_layout.HEIGHT),
        record.get("width", seed_layout.WIDTH),
    )


def draw_examples(examples: Mapping[str, np.ndarray], output: str | Path, title: str = "") -> Path:
    """Draws spectrograms, a row of pictures a class, as a PNG.

    Args:
      examples: by class name, float or uint8 [n, height, width]; n may differ.
      output: the PNG to write; its folder is made if need be.
      title: a line above the pictures.

    Returns:
      The PNG's path.
    """
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    examples_figure(examples, title).savefig(output, format="png", dpi=100)
    return output


def examples_figure(examples: Mapping[str, np.ndarray], title: str = "") -> Figure:
    """Draws spectrograms, a row of pictures a class: time downwards, frequency to the right.

    Args:
      examples: by class name, float or uint8 [n, height, width]; n may differ.
      title: a line above the pictures.
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
        for axis, image in zip(row, images, strict=False):
            _draw(axis, image, name)
    figure.suptitle(f"{title}\n(contrast stretched picture by picture)".strip(), fontsize=11)
    return figure


def read_examples(
    directory: str | Path, split: str, per_class: int, layout: Layout
) -> dict[str, np.ndarray]:
    """A few images of every class.

    Args:
      directory: a data folder.
      split: "train" or "validation".
      per_class: at most so many of each class, evenly spread over the class's rows.
      layout: classes and size.

    Returns:
      By class name, uint8 [up to per_class, height, width].

    Raises:
      InvalidData: a file is missing, or a row does not hold what it should; the message names
        file and row.
    """
    from data.reading.inventory import take_inventory
    from data.reading.split import split_images, split_labels

    inventory = take_inventory(str(directory), layout)
    labels = split_labels(inventory, split, layout)
    chosen = [_spread(labels == column, per_class) for column in range(len(layout.classes))]
    images = split_images(inventory, split, layout, np.concatenate(chosen))
    ends = np.cumsum([len(rows) for rows in chosen])
    return dict(zip(layout.classes, np.split(images, ends[:-1]), strict=True))


def _draw(axis, image: np.ndarray, name: str) -> None:
    darkest, lightest = shown_range(image)
    axis.imshow(image, cmap="gray", vmin=darkest, vmax=lightest, aspect="auto")
    axis.set_title(name, fontsize=9)
    axis.set_xlabel("frequency (channel)", fontsize=7)
    axis.set_ylabel("time (row)", fontsize=7)
    axis.tick_params(labelsize=6)


def _spread(is_class: np.ndarray, count: int) -> np.ndarray:
    rows = np.flatnonzero(is_class)
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]
