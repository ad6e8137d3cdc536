"""A folder of tiles: images as an array, and a table of their frequencies and times.

    DIR/images.npy           uint8 [tiles, height, width]
    DIR/tiles.csv            a line for each tile: the fields of `TILE` and the source's name

With labels, it is a data folder that a model can be trained on:

    DIR/train/images.npy     uint8 [tiles, height, width]
    DIR/train/labels.npy     the class of each tile, as text
    DIR/tiles.csv            as above, with the class
    DIR/validation/...       tiles of another observation, with DIR/tiles-validation.csv
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.placement import placing
from data.seed_layout import SPLITS
from data.storage import files
from data.telescope.labels import AMBIGUOUS, Labels
from data.telescope.observation import Observation
from data.telescope.tiling import TILE, Tiling, iterate_tiles

if TYPE_CHECKING:
    import pandas as pd

Append = Callable[[NDArray[np.void], NDArray[np.uint8], NDArray[np.str_]], None]
"""Writes some tiles: `TILE` [n], uint8 [n, height, width], and the class of each."""


@dataclass
class Written:
    """What was written, and what was left out.

    Attributes:
      tiles: tiles that were written.
      without_contrast: tiles that were left out because nothing is in them.
      ambiguous: tiles that were left out because their class is not clear.
      classes: tiles of each class, of those that have labels.
    """

    tiles: int = 0
    without_contrast: int = 0
    ambiguous: int = 0
    classes: Counter[str] = field(default_factory=Counter)


def list_files(split: str, is_labelled: bool) -> tuple[str, str, str]:
    """Return the paths of images, labels and table in a folder of tiles.

    Args:
      split: "train" or "validation".
      is_labelled: whether the tiles have labels. If they have none, there is no split.
    """
    folder = f"{split}/" if is_labelled else ""
    table = "tiles.csv" if split == SPLITS[0] or not is_labelled else f"tiles-{split}.csv"
    return f"{folder}images.npy", f"{folder}labels.npy", table


def write_tiles(
    observation: Observation,
    tiling: Tiling,
    directory: str | Path,
    labels: Labels | None = None,
    split: str = SPLITS[0],
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Cut an observation and write its tiles, completely or not at all.

    Args:
      observation: the observation.
      tiling: its tiles.
      directory: the folder to write. It is created.
      labels: which signals are in it; None to write images without labels.
      split: "train" or "validation", for tiles with labels.
      overwrite: replace tiles that are there.
      progress: called with (tiles cut, all tiles).

    Raises:
      FileExistsError: tiles are there and `overwrite` is False.
      NotADirectoryError: the directory is a file.
      InvalidData: the observation is damaged or empty, or another process is writing to the folder.
    """
    images, names, table = list_files(split, labels is not None)
    paths = (images, names, table) if labels else (images, table)
    written, cut = Written(), 0
    classes = np.array(labels.classes if labels else ("",))
    with (
        placing(Path(directory), paths, overwrite) as folder,
        _open_files(folder, paths, tiling, classes) as append,
    ):
        for tiles, grey in iterate_tiles(observation, tiling):
            cut += len(tiles)
            columns = np.zeros(len(tiles), np.int64)
            if labels:
                columns = labels.find_columns(tiles, tiling)
                clear = columns != AMBIGUOUS
                tiles, grey, columns = tiles[clear], grey[clear], columns[clear]  # noqa: PLW2901
                written.classes.update(classes[columns].tolist())
            append(tiles, grey, classes[columns])
            written.tiles += len(tiles)
            if progress is not None and len(tiles):
                progress(int(tiles["tile"][-1]) + 1, len(tiling))
        written.ambiguous, written.without_contrast = cut - written.tiles, len(tiling) - cut
        if not written.tiles:
            raise InvalidData(
                f"{observation.path} gives no tile: {written.without_contrast:,} have no contrast "
                f"and {written.ambiguous:,} no clear class."
            )
    return written


def is_tile_folder(directory: str | Path) -> bool:
    """Return whether a folder has a table of tiles."""
    return any((Path(directory) / list_files(split, True)[2]).is_file() for split in SPLITS)


def read_tiles(
    directory: str | Path, split: str = SPLITS[0]
) -> tuple[NDArray[np.uint8], pd.DataFrame]:
    """Open a folder of tiles.

    Args:
      directory: the folder.
      split: "train" or "validation", of tiles with labels.

    Returns:
      The images, uint8 [tiles, height, width], which are read when they are used, and the table
      with one row for each.

    Raises:
      InvalidData: a file is missing or damaged.
    """
    import pandas as pd

    directory = Path(directory)
    path = directory / list_files(split, True)[2]
    try:
        table = pd.read_csv(path, keep_default_na=False)
        is_labelled = "class" in table
        path = directory / list_files(split, is_labelled)[0]
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InvalidData(f"{path} is missing. Cut the observation again.") from None
    except (ValueError, EOFError) as error:
        raise InvalidData(f"{path} is damaged: {error}. Cut the observation again.") from None
    missing = [name for name in TILE.names or () if name not in table]
    if missing or images.ndim != 3 or images.dtype != np.uint8 or len(images) != len(table):
        raise InvalidData(
            f"{path} and the table of tiles do not belong together. Cut the observation again."
        )
    return images, table


@contextmanager
def _open_files(
    folder: Path, paths: tuple[str, ...], tiling: Tiling, classes: NDArray[np.str_]
) -> Iterator[Append]:
    """Open images, labels if there are any, and table; yield the function that writes tiles."""
    most, grid = len(tiling), tiling.grid
    images, *names, table = paths
    columns = [*(TILE.names or ()), "source", *(["class"] if names else ())]
    source = tiling.header.source
    with ExitStack() as stack:
        shape = (most, grid.height, grid.width)
        arrays = [_writing_array(folder / images, np.dtype(np.uint8), shape)]
        arrays += [_writing_array(folder / name, classes.dtype, (most,)) for name in names]
        append_images, *append_labels = [stack.enter_context(array) for array in arrays]
        lines = csv.writer(
            stack.enter_context(files.writing(str(folder / table))), lineterminator="\n"
        )
        lines.writerow(columns)

        def append(
            tiles: NDArray[np.void], grey: NDArray[np.uint8], labels: NDArray[np.str_]
        ) -> None:
            append_images(grey)
            for append_to in append_labels:
                append_to(labels)
            pairs = zip(tiles.tolist(), labels.tolist(), strict=True)
            lines.writerows((*tile, source, name)[: len(columns)] for tile, name in pairs)

        yield append


@contextmanager
def _writing_array(
    path: Path, dtype: np.dtype[Any], most: tuple[int, ...]
) -> Iterator[Callable[[NDArray[Any]], None]]:
    """Open an .npy file; yield the function that appends to it.

    Args:
      path: the file.
      dtype: type of the values.
      most: shape of the array if nothing is left out.
    """
    count = 0
    with files.writing(str(path), "wb") as file:
        start = _write_header(file, dtype, most)

        def append(values: NDArray[Any]) -> None:
            nonlocal count
            file.write(np.ascontiguousarray(values, dtype).data)
            count += len(values)

        yield append
        file.seek(0)
        # NumPy leaves room for as many digits as an axis can have.
        if _write_header(file, dtype, (count, *most[1:])) != start:
            raise ValueError("The header of an array has changed its size.")


def _write_header(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """Write the header of an .npy file; return where its values begin."""
    npy_format: Any = np.lib.format  # has no types before NumPy 2
    description = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(file, description)
    return file.tell()
