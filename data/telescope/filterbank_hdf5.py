"""Filterbank files in HDF5 (.h5), as Breakthrough Listen publishes them.

The root has the attribute CLASS=FILTERBANK. The dataset "data" [rows, IFs, channels] has the
keywords of SIGPROC as attributes (blimpy's `io/hdf_writer.py`). It may be compressed by bitshuffle.

A file is input from outside. HDF5 would follow links to other files, and take the sizes in a
compressed chunk at their word. Both are refused before HDF5 acts on them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData, escape
from data.telescope.header import Header, check_header
from data.telescope.observation import Observation

_REQUIRED = ("tsamp", "tstart", "fch1", "foff")

_BITSHUFFLE = 32_008
"""Number of the filter in HDF5's registry."""

_REPACK = "Copy it with: h5repack -f NONE -l CHUNK=16x1x65536 FILE NEW"

_MOST_CHUNK_BYTES = 128 << 20
_MOST_CACHE_BYTES = 128 << 20
_LONGEST_TEXT = 4096
# More than ever are in the cache, so that two of them seldom want the same place.
_CACHE_PLACES = 100_003


class Hdf5Observation(Observation):
    """An observation in an HDF5 filterbank file."""

    def __init__(self, path: str) -> None:
        """Read the header.

        Raises:
          InvalidData: as `open_observation`.
        """
        import h5py

        with _explaining(path):
            self._file = h5py.File(
                path,
                "r",
                locking="best-effort",
                rdcc_nbytes=_MOST_CACHE_BYTES,
                rdcc_nslots=_CACHE_PLACES,
            )
        try:
            with _explaining(path):
                self._data = _find_dataset(self._file, path)
                header = _make_header(self._data, path)
                super().__init__(path, header, _find_chunk(self._data, path))
                self._chunks = _Chunks(self._data, path)
        except BaseException:
            self._file.close()
            raise

    def _read(self, rows: range, channels: range) -> NDArray[np.float32]:
        """See `Observation`."""
        with _explaining(self.path):
            self._chunks.check(rows, channels)
            values = self._data[rows.start : rows.stop, 0, channels.start : channels.stop]
        return values.astype(np.float32, copy=False)

    def close(self) -> None:
        """See `Observation`."""
        self._file.close()


def _find_dataset(file: Any, path: str) -> Any:
    """Return the dataset of an HDF5 file, if it is what it should be."""
    import h5py

    if _read_text(file, "CLASS") != "FILTERBANK":
        raise InvalidData(
            f"{path} is HDF5, but no filterbank file: its root has no attribute CLASS=FILTERBANK."
        )
    link = file.get("data", getlink=True)
    if link is None:
        raise InvalidData(f'{path} has no dataset "data".')
    data = file["data"] if isinstance(link, h5py.HardLink) else None
    if not isinstance(data, h5py.Dataset):
        raise InvalidData(f'{path}: "data" is no dataset of this file, but a link or a group.')
    if data.external or data.is_virtual:
        raise InvalidData(
            f'{path}: the values of "data" are in other files, which are not read. '
            "Copy everything into one file with h5repack."
        )
    if data.ndim != 3 or data.dtype.str[1:] not in ("u1", "u2", "f4"):
        raise InvalidData(
            f'{path}: "data" has the shape {data.shape} and the type {data.dtype}. Expected is '
            "[time, IF, channel] of uint8, uint16 or float32."
        )
    return data


def _make_header(data: Any, path: str) -> Header:
    numbers = {keyword: _read_number(data, keyword, path) for keyword in _REQUIRED}
    missing = [keyword for keyword, number in numbers.items() if number is None]
    if missing:
        raise InvalidData(f'{path}: "data" has no attribute {" and no ".join(missing)}.')
    rows, ifs, channels = data.shape
    announced = _read_number(data, "nchans", path)
    if announced is not None and announced != channels:
        raise InvalidData(
            f"{path} has nchans {announced:g} in its header, but {channels:,} channels."
        )
    header = Header(
        source=(_read_text(data, "source_name") or "").strip(),
        first_mhz=numbers["fch1"],
        step_mhz=numbers["foff"],
        row_seconds=numbers["tsamp"],
        start_mjd=numbers["tstart"],
        channels=channels,
        rows=rows,
        ifs=ifs,
        bits=8 * data.dtype.itemsize,
    )
    check_header(header, path)
    if rows == 0:
        raise InvalidData(f"{path} is empty: it has no rows.")
    return header


def _find_chunk(data: Any, path: str) -> tuple[int, int]:
    """Return rows and channels of a chunk, if all chunks are there and are not too large."""
    shape = data.chunks
    if shape is None:
        if data.id.get_storage_size() < data.nbytes:
            raise InvalidData(f"{path} is cut off: most of its values were never written.")
        return 1, 1
    size = math.prod(shape) * data.dtype.itemsize
    if size > _MOST_CHUNK_BYTES:
        raise InvalidData(
            f"{path} has chunks of {size / 2**20:,.0f} MiB, of which each must be in memory. "
            f"Up to {_MOST_CHUNK_BYTES >> 20} MiB can be read. {_REPACK}"
        )
    expected = math.prod(-(-n // chunk) for n, chunk in zip(data.shape, shape, strict=True))
    written = data.id.get_num_chunks()
    if written != expected:
        raise InvalidData(
            f"{path} is cut off: {written:,} of its {expected:,} chunks were written."
        )
    return shape[0], shape[2]


class _Chunks:
    """The chunks of a dataset, each checked before HDF5 decompresses it."""

    def __init__(self, data: Any, path: str) -> None:
        """Look at the compression.

        Raises:
          InvalidData: it cannot be read, or needs a package that is not installed.
        """
        self._data, self._path = data, path
        self._chunks: tuple[int, ...] | None = data.chunks
        self._lock = Lock()
        if self._chunks is None:
            return
        self._bytes = math.prod(self._chunks) * data.dtype.itemsize
        grid = [-(-n // chunk) for n, chunk in zip(data.shape, self._chunks, strict=True)]
        self._checked = np.zeros((grid[0], grid[2]), bool)
        properties = data.id.get_create_plist()
        filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
        self._is_compressed = bool(filters)
        # Its fifth value says whether the shuffled bits are compressed as well.
        self._has_blocks = bool(filters) and len(filters[0][2]) > 4 and filters[0][2][4] > 0
        if [number for number, *_ in filters] not in ([], [_BITSHUFFLE]):
            names = ", ".join(escape(name.decode("latin-1")) for *_, name in filters)
            raise InvalidData(
                f"{path} is compressed with {names}. Bitshuffle and no compression can be read. "
                f"{_REPACK}"
            )
        if filters:
            _load_bitshuffle(path)

    def check(self, rows: range, channels: range) -> None:
        """Check all chunks of a range that have not been checked.

        Raises:
          InvalidData: a chunk is damaged.
        """
        if self._chunks is None:
            return
        high, _, wide = self._chunks
        places = product(
            range(rows.start // high, -(-rows.stop // high)),
            range(channels.start // wide, -(-channels.stop // wide)),
        )
        with self._lock:
            for row, channel in places:
                if not self._checked[row, channel]:
                    self._check_chunk((row * high, 0, channel * wide))
                    self._checked[row, channel] = True

    def _check_chunk(self, place: tuple[int, int, int]) -> None:
        damaged = InvalidData(
            f"{self._path} is damaged: the chunk at row {place[0]:,}, channel {place[2]:,} has "
            "another size than it should have. Copy it again."
        )
        stored = self._data.id.get_chunk_info_by_coord(place)
        is_compressed = self._is_compressed and stored.filter_mask == 0
        if not is_compressed or not self._has_blocks:
            if stored.size != self._bytes:
                raise damaged
            return
        if stored.byte_offset is None or stored.size > os.path.getsize(self._path):
            raise damaged
        _, content = self._data.id.read_direct_chunk(place)
        if not _fits(content, self._bytes, self._data.dtype.itemsize):
            raise damaged


def _fits(content: bytes, expected: int, item_bytes: int) -> bool:
    """Return whether compressed blocks fill a chunk, and become as many bytes as expected.

    The chunk begins with the size of its content in 8 bytes and that of a block in 4, the most
    significant byte first. Each block begins with its compressed size in 4. The last few values are
    not compressed, because bits are shuffled among 8 values.
    """
    size, block = int.from_bytes(content[:8], "big"), int.from_bytes(content[8:12], "big")
    unit = 8 * item_bytes
    if size != expected or block == 0 or block % unit:
        return False
    uncompressed = size % unit
    position = 12
    for _ in range(-(-(size - uncompressed) // block)):
        if position + 4 > len(content):
            return False
        position += 4 + int.from_bytes(content[position : position + 4], "big")
    return position + uncompressed == len(content)


def _load_bitshuffle(path: str) -> None:
    """Let HDF5 read bitshuffle, if the package that can do so is installed."""
    import h5py

    try:
        import hdf5plugin  # noqa: F401 - it registers its filters with HDF5
    except ImportError:
        if not h5py.h5z.filter_avail(_BITSHUFFLE):
            raise InvalidData(
                f"{path} is compressed with bitshuffle, which one more package can read. "
                "Install it: pip install radio-signals[telescope]"
            ) from None


def _read_number(data: Any, keyword: str, path: str) -> Any:
    """Return an attribute that is one number; None if there is none of that name."""
    if keyword not in data.attrs:
        return None
    attribute = data.attrs.get_id(keyword)
    if math.prod(attribute.shape or (1,)) != 1 or attribute.dtype.kind not in "iuf":
        raise InvalidData(f'{path}: the attribute {keyword} of "data" is not one number.')
    return np.ravel(data.attrs[keyword])[0].item()


def _read_text(holder: Any, keyword: str) -> str | None:
    """Return an attribute that is one text; None if there is none of that name."""
    import h5py

    if keyword not in holder.attrs:
        return None
    attribute = holder.attrs.get_id(keyword)
    is_text = attribute.dtype.kind == "S" or h5py.check_string_dtype(attribute.dtype) is not None
    if attribute.shape not in ((), (1,)) or not is_text:
        return None
    if attribute.dtype.itemsize > _LONGEST_TEXT:
        return None
    text = np.ravel(holder.attrs[keyword])[0]
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


@contextmanager
def _explaining(path: str) -> Iterator[None]:
    """Raise as `InvalidData` whatever h5py raises where a file is damaged."""
    try:
        yield
    except InvalidData:
        raise
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError) as error:
        reason = str(error).strip("'\"").splitlines() or [type(error).__name__]
        raise InvalidData(
            f"{path} is damaged or cut off: {escape(reason[0].rstrip('.'))}. Copy it again."
        ) from error
