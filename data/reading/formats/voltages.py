"""Voltages, from which spectrograms are made as the published ones were.

    SPLIT/voltages.npy  SPLIT/labels.npy or labels.csv    or voltages-*.npy with labels-*
    SPLIT/*.dat         SPLIT/labels.csv, if there is one

An array is complex [signals, samples], or signed bytes [signals, samples, 2]. A .dat file of the
SETI Institute holds one signal. Its class is in the file, or in labels.csv, which has two columns:
the name of the file, with or without .dat, and the class.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading import text
from data.reading.formats.arrays import Array, check_size
from data.reading.formats.csv_pair import PairedCsv
from data.reading.formats.format import Chunk, Format, Labels, Rows, Source
from data.reading.formats.npy import Npy
from data.reading.formats.npy import read_header as read_array_header
from data.reading.input_files import InputFiles, is_remote, measure_file, open_input
from data.reading.labels import BAD, parse_cells
from data.reading.layout import Layout
from data.reading.problems import Fault
from data.reading.voltages import (
    BYTES_A_SAMPLE,
    LABEL_KEY,
    count_samples,
    describe_use,
    read_header,
    render_voltage,
)

_EXTENSION = ".dat"
_TABLE = "labels.csv"
_LONGEST_LINE = 1 << 12

# A chunk is what one worker reads. 512 signals of the published length take two seconds.
_MOST_IN_CHUNK = 512
_BLOCK_ROWS = 64

# In a bucket a thread waits for answers, on this machine it computes.
_THREADS_REMOTE = 16


@dataclass(frozen=True)
class _Signal:
    """One signal that was read: spectrogram [pixels], class, and what was wrong or done."""

    levels: NDArray[np.uint8] | None
    label: int = BAD
    fault: str = ""
    remark: str = ""


class Voltages(Format):
    """Voltages in arrays, or in one file for each signal. A folder of such files is one source."""

    name = "voltages"
    needs = "voltages.npy with labels.npy or labels.csv, or *.dat, in train/ and validation/"

    def find(self, names: Sequence[str], split: str) -> list[tuple[str, str]]:
        """See `Format`."""
        folder = f"{split}/" if split else ""
        known = set(names)
        sources = []
        for name in names:
            if match := re.fullmatch(rf"{re.escape(folder)}voltages(([-_.].*)?)\.npy", name):
                labels = f"{folder}labels{match[1]}"
                extension = ".npy" if f"{labels}.npy" in known else ".csv"
                sources.append((name, labels + extension))
        inside = (name.removeprefix(folder) for name in names if name.startswith(folder))
        if any(map(_is_recording, inside)):
            table = f"{folder}{_TABLE}"
            sources.append((split, table if table in known else split))
        return sources

    def plan(self, source: Source, layout: Layout, files: InputFiles) -> list[Chunk]:
        """See `Format`."""
        names: tuple[str, ...] = ()
        if _is_array(source):
            count = _read_array(source, layout, files).shape[0]
        else:
            names = tuple(filter(_is_recording, files.names(source.images)))
            count = len(names)
        return [
            Chunk(
                source,
                start,
                min(start + _MOST_IN_CHUNK, count),
                first=start == 0,
                names=names[start : start + _MOST_IN_CHUNK],
            )
            for start in range(0, count, _MOST_IN_CHUNK)
        ]

    def count(
        self,
        chunk: Chunk,
        layout: Layout,  # noqa: ARG002 - the interface has it
        files: InputFiles,  # noqa: ARG002 - the interface has it
    ) -> int:
        """See `Format`."""
        return chunk.end - chunk.start

    def read(self, chunk: Chunk, layout: Layout, files: InputFiles) -> Iterator[Rows]:
        """See `Format`. A signal that cannot be read is a bad row."""
        array = None if chunk.names else _read_array(chunk.source, layout, files)
        table = _read_table(chunk, files)

        def read_signal(row: int) -> _Signal:
            if array is not None:
                return _read_row(chunk.source.images, array, row, layout, files)
            return _read_recording(chunk.locate(row)[0], table, layout, files)

        threads = _THREADS_REMOTE if is_remote(chunk.source.images) else os.cpu_count()
        with ThreadPoolExecutor(threads) as pool:
            for start in range(chunk.start, chunk.end, _BLOCK_ROWS):
                rows = range(start, min(start + _BLOCK_ROWS, chunk.end))
                yield _collect(list(pool.map(read_signal, rows)), layout, bool(chunk.names))

    def read_labels(self, source: Source, layout: Layout, files: InputFiles) -> Labels | None:
        """See `Format`. Those of .dat files come with the rows."""
        if not _is_array(source):
            return None
        reader = Npy() if source.labels.endswith(".npy") else PairedCsv()
        return reader.read_labels(source, layout, files)

    def read_labels_of(self, chunk: Chunk, layout: Layout, files: InputFiles) -> NDArray[np.int64]:
        """See `Format`. No spectrogram is made."""
        table = _read_table(chunk, files)
        paths = [chunk.locate(row)[0] for row in range(chunk.start, chunk.end)]
        labels = [_read_label(path, table, layout, files)[0] for path in paths]
        return np.array(labels, np.int64)


def _is_recording(name: str) -> bool:
    return name.endswith(_EXTENSION) and "/" not in name and not name.startswith(".")


def _is_array(source: Source) -> bool:
    return source.images.endswith(".npy")


def _read_array(source: Source, layout: Layout, files: InputFiles) -> Array:
    """Read the header of an array, and compare it with the file.

    Raises:
      InvalidData: the array cannot hold voltages of the layout's spectrograms.
    """
    path = source.images
    with open_input(path, files) as stream:
        array = read_array_header(stream, path)
    if len(array.shape) == 1 + (array.dtype == np.int8):  # a single signal
        array = replace(array, shape=(1, *array.shape))
    shape = array.shape
    is_complex = array.dtype.kind == "c" and len(shape) == 2
    if not is_complex and not (array.dtype == np.int8 and len(shape) == 3 and shape[2] == 2):
        raise InvalidData(
            f"{path} holds an array of type {array.dtype} and shape {shape}. Voltages are complex "
            "(signals, samples), or of type int8 (signals, samples, 2)."
        )
    if not shape[0]:
        raise InvalidData(f"{path} is empty.")
    check_size(path, array, files, "signals")
    try:
        count_samples(shape[1], layout)
    except InvalidData as error:
        raise InvalidData(f"{path} cannot be used: {error}") from None
    return array


def _read_row(path: str, array: Array, row: int, layout: Layout, files: InputFiles) -> _Signal:
    """Read a signal of an array, and only the samples that are used."""
    available = array.shape[1]
    samples = count_samples(available, layout)
    with open_input(path, files) as stream:
        stream.seek(array.start + row * array.row_bytes)
        content = stream.read(samples * array.row_bytes // available)
    voltage = np.frombuffer(content, array.dtype).reshape(samples, *array.shape[2:])
    try:
        levels = render_voltage(voltage, layout)
    except InvalidData as error:
        return _Signal(None, fault=str(error))
    return _Signal(levels, remark=describe_use(available, layout))


def _read_recording(
    path: str, table: dict[bytes, bytes] | None, layout: Layout, files: InputFiles
) -> _Signal:
    """Read a .dat file, and only the samples that are used."""
    label, fault, start = _read_label(path, table, layout, files)
    if fault:
        return _Signal(None, fault=fault)
    try:
        content_bytes = measure_file(path, files) - start
        if content_bytes % BYTES_A_SAMPLE:
            cut = "the file ends within a sample. It was cut off: copy it again."
            return _Signal(None, label, cut)
        available = content_bytes // BYTES_A_SAMPLE
        with open_input(path, files) as stream:
            stream.seek(start)
            content = stream.read(BYTES_A_SAMPLE * count_samples(available, layout))
        voltage = np.frombuffer(content, np.int8).reshape(-1, BYTES_A_SAMPLE)
        levels = render_voltage(voltage, layout)
    except InvalidData as error:
        return _Signal(None, label, _name_file(error, path))
    return _Signal(levels, label, remark=describe_use(available, layout))


def _read_label(
    path: str, table: dict[bytes, bytes] | None, layout: Layout, files: InputFiles
) -> tuple[int, str, int]:
    """Return the class of a .dat file, or why it is not known, and the byte of the first sample."""
    try:
        with open_input(path, files) as stream:
            header, start = read_header(stream)
    except InvalidData as error:
        return BAD, _name_file(error, path), 0
    text_of_label = None
    if table is not None:
        unknown = f"{_TABLE} beside the file does not name it."
        text_of_label = table.get(_stem(path))
    else:
        unknown = f"its header has no {LABEL_KEY}, and there is no {_TABLE} beside the file."
        if isinstance(header.get(LABEL_KEY), str):
            text_of_label = header[LABEL_KEY].encode("utf-8", "replace")
    if text_of_label is None:
        return BAD, unknown if layout.needs_labels else "", start
    (label,), faults = parse_cells([text_of_label], layout.classes)
    return int(label), faults[0].text if faults else "", start


def _name_file(error: InvalidData, path: str) -> str:
    """Return the error of a file as what is wrong with a row, which is named by the path."""
    message = str(error)
    own = str(InvalidData(path))
    return f"the file{message.removeprefix(own)}" if message.startswith(own) else message


def _stem(path: str) -> bytes:
    return posixpath.basename(path).removesuffix(_EXTENSION).encode("utf-8", "surrogateescape")


def _read_table(chunk: Chunk, files: InputFiles) -> dict[bytes, bytes] | None:
    """Return the classes of a chunk's .dat files by their names, or None if there is no table.

    Raises:
      InvalidData: the table cannot be read.
    """
    path = chunk.source.labels
    if not chunk.names or path == chunk.source.images:
        return None
    stems = {_stem(name) for name in chunk.names}
    table: dict[bytes, bytes] = {}
    try:
        for start, end in text.divide(path, 0, files):
            for block in text.read_blocks(path, start, end, files, start == 0, _LONGEST_LINE):
                for line in block.split(b"\n"):
                    name, _, label = line.partition(b",")
                    stem = name.strip().strip(b'"').removesuffix(_EXTENSION.encode())
                    if stem in stems:
                        table.setdefault(stem, label)
    except InvalidData as error:
        folder = chunk.source.images
        raise InvalidData(f"{folder} has labels that cannot be read: {error}") from None
    return table


def _collect(signals: Sequence[_Signal], layout: Layout, with_labels: bool) -> Rows:
    levels = np.zeros((len(signals), layout.pixels), np.uint8)
    for row, signal in enumerate(signals):
        if signal.levels is not None:
            levels[row] = signal.levels
    faults = [Fault(row, 0, signal.fault) for row, signal in enumerate(signals) if signal.fault]
    labels = np.array([signal.label for signal in signals if with_labels], np.int64)
    remarks = Counter(signal.remark for signal in signals if signal.remark)
    return Rows(levels, faults, labels, dict(remarks))
