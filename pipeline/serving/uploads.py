"""Files that are dropped on the page: from their bytes to grey levels.

The content decides how a file is read, not its name. Files are read by the readers of data folders,
with their limits, and never longer than the page can show.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.content import FIRST_BYTES, FileInMemory, choose_csv, detect_kind
from data.reading.formats.format import Format, Source
from data.reading.formats.npy import Npy
from data.reading.formats.npz import Npz
from data.reading.layout import Layout
from data.reading.pictures.decode import decode_picture
from data.telescope.observation import open_observation
from data.telescope.tiling import Grid, Tiling, iterate_tiles
from pipeline.serving.served_model import ServedModel

MOST_SHOWN = 32
"""Spectrograms of a file that are classified and shown."""

_NAME_CHARACTERS = 200
_GZIP = b"\x1f\x8b"  # A small file can take minutes to unpack.

# What readers of training data advise, and what is true of a model.
_ADVICE = "Set height and width to the size of your spectrograms."
_OTHER_ADVICE = "The model reads spectrograms of this size only."


@dataclass
class Upload:
    """The spectrograms of a file.

    Attributes:
      levels: uint8 [n, height, width], n from 1 to `MOST_SHOWN`.
      places: where each is in the file; empty for the only one.
      notes: what the user should know of how the file was read.
    """

    levels: NDArray[np.uint8]
    places: list[str]
    notes: list[str] = field(default_factory=list)


def read_upload(content: bytes, name: str, model: ServedModel) -> Upload:
    """Read a file.

    Args:
      content: the file.
      name: what messages call it.
      model: the model that is to classify it.

    Raises:
      InvalidData: it cannot be read, or holds spectrograms of another size.
    """
    name = os.path.basename(name)[:_NAME_CHARACTERS] or "the file"
    layout = Layout(tuple(model.classes), model.height, model.width)
    try:
        return _read(content, name, layout)
    except InvalidData as error:
        raise InvalidData(str(error).replace(_ADVICE, _OTHER_ADVICE)) from None


def _read(content: bytes, name: str, layout: Layout) -> Upload:
    if content.startswith(_GZIP):
        raise InvalidData(
            f"{name} is compressed with gzip, which is not read here. Unpack it first."
        )
    kind = detect_kind(content[:FIRST_BYTES])
    if kind == "picture":
        return _read_picture(content, name, layout)
    if kind == "filterbank":
        return _read_observation(content, name, layout)
    if kind == "hdf5":
        raise InvalidData(
            f"{name} is an HDF5 file, which is not read here. Drop rows of CSV, a picture, an "
            "array (.npy, .npz) or a filterbank file (.fil)."
        )
    if kind == "npy":
        return _read_rows(Npy(), content, name, layout, "image")
    if kind == "npz":
        return _read_rows(Npz(), content, name, layout, "image")
    reader = choose_csv(name, layout, FileInMemory(content))
    return _read_rows(reader, content, name, layout, "row")


def _read_picture(content: bytes, name: str, layout: Layout) -> Upload:
    try:
        picture = decode_picture(content, layout)
    except InvalidData as error:
        raise InvalidData(f"{name}: {error}") from None
    notes = []
    if picture.is_resized:
        notes.append(f"The picture was resized to {layout.height} x {layout.width} pixels.")
    if picture.is_colour_as_luma:
        notes.append("The picture is in colour. Its luma was taken.")
    return Upload(picture.levels.reshape(1, layout.height, layout.width), [""], notes)


def _read_rows(reader: Format, content: bytes, name: str, layout: Layout, unit: str) -> Upload:
    """Read the first rows of a table or an array."""
    files = FileInMemory(content)
    source = Source("train", name, name)
    chunk = reader.plan(source, layout, files)[0]
    levels, places = [], []
    for number, (row, label) in enumerate(_iterate(reader, chunk, name, layout, files)):
        if number == MOST_SHOWN:
            break
        levels.append(row)
        labelled = f", labelled {layout.classes[label]}" if label >= 0 else ""
        places.append(f"{unit} {chunk.row_offset + number:,}{labelled}")
    if not levels:
        raise InvalidData(f"{name} holds no spectrogram.")
    more = number == MOST_SHOWN
    notes = [f"Only the first {MOST_SHOWN} spectrograms of the file are shown."] if more else []
    return Upload(np.stack(levels).reshape(-1, layout.height, layout.width), places, notes)


def _iterate(
    reader: Format, chunk: Any, name: str, layout: Layout, files: FileInMemory
) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Yield grey levels and label of each row, -1 where there is no label."""
    first = chunk.row_offset
    for rows in reader.read(chunk, layout, files):
        faults = {fault.row: fault for fault in rows.faults}
        for number, levels in enumerate(rows.levels):
            if number in faults:
                raise InvalidData(str(faults[number].locate(name, first)))
            yield levels, int(rows.labels[number]) if len(rows.labels) else -1
        first += len(rows.levels)


def _read_observation(content: bytes, name: str, layout: Layout) -> Upload:
    """Cut the first tiles from a filterbank file."""
    levels: list[NDArray[np.uint8]] = []
    places: list[str] = []
    with tempfile.NamedTemporaryFile(prefix="radio-signals-", suffix=".fil") as file:
        file.write(content)
        file.flush()
        try:
            with open_observation(file.name) as observation:
                tiling = Tiling(observation, Grid(layout.height, layout.width))
                for tiles, images in iterate_tiles(observation, tiling, workers=1):
                    levels.extend(images)
                    places.extend(
                        f"tile {tile['tile']}, {tile['centre_mhz']:,.6f} MHz" for tile in tiles
                    )
                    if len(levels) >= MOST_SHOWN:
                        break
                more = len(tiling) > MOST_SHOWN
        except InvalidData as error:
            raise InvalidData(str(error).replace(file.name, name)) from None
    if not levels:
        raise InvalidData(f"{name} holds no tile with any contrast.")
    notes = [f"Cut into {len(tiling):,} tiles of {layout.height} x {layout.width}."]
    if more:
        notes.append(f"Only the first {MOST_SHOWN} are shown.")
    return Upload(np.stack(levels[:MOST_SHOWN]), places[:MOST_SHOWN], notes)
