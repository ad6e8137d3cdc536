"""A picture of a data folder: a few labelled spectrograms of every class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from data import seed_layout
from data.invalid import InvalidData


def draw_gallery(
    directory: str | Path,
    output: str | Path,
    split: str = "train",
    per_class: int = 4,
    classes: Sequence[str] | None = None,
    height: int | None = None,
    width: int | None = None,
) -> Path:
    """Draws a gallery of a data folder as a PNG.

    Args:
        directory: a folder in the seed layout.
        output: the PNG to write; its folder is made if need be.
        split: "train" or "validation".
        per_class: spectrograms of every class, evenly spread over the class's rows.
        classes: the label columns' names; None for what the folder's record says, or else the
            published set's.
        height: rows of an image; None as for `classes`.
        width: columns of an image; None as for `classes`.

    Returns:
        The PNG's path.

    Raises:
        InvalidData: a file is missing, or a row does not hold what it should; the message names
            file and row.
    """
    record = seed_layout.read_record(directory) or {}
    classes = classes or record.get("classes", seed_layout.CLASS_NAMES)
    height = height or record.get("height", seed_layout.HEIGHT)
    width = width or record.get("width", seed_layout.WIDTH)
    examples = read_examples(Path(directory, split), per_class, classes, height, width)
    title = f"{Path(directory).resolve().name}, {split}"
    if record.get("simulated"):
        title += f": simulated (preset {record['preset']}, seed {record['seed']})"
    return draw_examples(examples, output, title)


def draw_examples(examples: Mapping[str, np.ndarray], output: str | Path, title: str = "") -> Path:
    """Draws spectrograms, a row of pictures a class, as a PNG.

    Args:
        examples: by class name, float or uint8 [n, height, width]; n may differ.
        output: the PNG to write; its folder is made if need be.
        title: a line above the pictures.

    Returns:
        The PNG's path.
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
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, format="png", dpi=100)
    return output


def read_examples(
    folder: str | Path, per_class: int, classes: Sequence[str], height: int, width: int
) -> dict[str, np.ndarray]:
    """A few images of every class, of which no other row of `images.csv` is parsed.

    Args:
        folder: a split's folder, with `images.csv` and `labels.csv`.
        per_class: at most so many of each class, evenly spread over the class's rows.
        classes: the label columns' names.
        height: rows of an image.
        width: columns of an image.

    Returns:
        By class name, float32 [up to per_class, height, width].

    Raises:
        InvalidData: a file is missing, or a row does not hold what it should; the message names
            file and row.
    """
    from data.spectrogram_csv import read_labels

    folder = Path(folder)
    columns = read_labels(str(folder / seed_layout.LABELS), len(classes))
    chosen = {name: _spread(columns == column, per_class) for column, name in enumerate(classes)}
    wanted = {int(row) for rows in chosen.values() for row in rows}
    lines = dict(_lines(folder / seed_layout.IMAGES, wanted, len(columns)))

    def image(row: int) -> np.ndarray:
        where = f"{folder / seed_layout.IMAGES}, row {row + 1}"
        return _numbers(lines[int(row)], height * width, where).reshape(height, width)

    empty = np.zeros((0, height, width), np.float32)
    return {
        name: np.stack([image(row) for row in rows]) if len(rows) else empty
        for name, rows in chosen.items()
    }


def _draw(axis, image: np.ndarray, name: str) -> None:
    # The eye is lost in the few darkest and lightest of thousands of pixels.
    darkest, lightest = np.percentile(image, (0.2, 99.8))
    axis.imshow(
        image, cmap="gray", vmin=darkest, vmax=lightest, aspect="auto", interpolation="nearest"
    )
    axis.set_title(name, fontsize=9)
    axis.set_xlabel("frequency (channel)", fontsize=7)
    axis.set_ylabel("time (row)", fontsize=7)
    axis.tick_params(labelsize=6)


def _spread(is_class: np.ndarray, count: int) -> np.ndarray:
    rows = np.flatnonzero(is_class)
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]


def _lines(path: Path, wanted: set[int], rows: int) -> Iterator[tuple[int, bytes]]:
    """Those lines of a file, each with its number from 0.

    Where all rows are equally long, as in the published files, they are sought out; otherwise the
    file is read up to the last of them.
    """
    stride, rest = divmod(path.stat().st_size, rows)
    with open(path, "rb") as file:
        if not rest and all(_line_at(file, row * stride, stride) for row in wanted):
            yield from ((row, _line_at(file, row * stride, stride)) for row in sorted(wanted))
            return
        file.seek(0)
        found = 0
        for number, line in enumerate(file):
            if number in wanted:
                found += 1
                yield number, line
            if found == len(wanted):
                return
    raise InvalidData(f"{path} holds fewer rows than the {rows} of its labels.")


def _line_at(file, start: int, length: int) -> bytes | None:
    """The line that fills exactly those bytes, if one does."""
    file.seek(max(start - 1, 0))
    before = file.read(1) if start else b"\n"
    line = file.read(length)
    alone = before == b"\n" and line.endswith(b"\n") and line.count(b"\n") == 1
    return line if alone else None


def _numbers(line: bytes, count: int, where: str) -> np.ndarray:
    try:
        values = np.array(line.split(b","), dtype=np.float32)
    except ValueError:
        raise InvalidData(f"{where} holds something that is not a number.") from None
    if len(values) != count:
        raise InvalidData(f"{where} holds {len(values)} values, where {count} are expected.")
    return values
