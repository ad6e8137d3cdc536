"""Opens the file of an observation, whatever its format, and reads ranges of it."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.input_files import LOCAL, is_remote, measure_file
from data.telescope.header import Header

EXTENSIONS = (".fil", ".h5", ".hdf5")
"""How the names of such files end. The content decides how a file is read."""

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class Observation(ABC):
    """Power by time and frequency, in a file that is never read as a whole.

    Several threads may read at the same time. An observation closes its file at the end of its
    `with` block.

    Attributes:
      path: the file.
      header: what its header says.
      chunk: rows and channels that can only be read together.
    """

    def __init__(self, path: str, header: Header, chunk: tuple[int, int] = (1, 1)) -> None:
        self.path = path
        self.header = header
        self.chunk = chunk

    def read(self, rows: range, channels: range) -> NDArray[np.float32]:
        """Read the power in a range of rows and channels, of the first IF.

        Args:
          rows: consecutive rows.
          channels: consecutive channels, counted from the lowest frequency.

        Returns:
          float32 [rows, channels], which the caller may change. Frequencies rise.

        Raises:
          InvalidData: the file is damaged or cut off there.
          IndexError: the range leaves the observation.
        """
        for asked, there in ((rows, self.header.rows), (channels, self.header.channels)):
            if asked.step != 1 or asked.start < 0 or asked.stop > there:
                raise IndexError(f"{asked} is not within range(0, {there})")
        if not self.header.is_descending:
            return self._read(rows, channels)
        last = self.header.channels
        stored = self._read(rows, range(last - channels.stop, last - channels.start))
        return np.ascontiguousarray(stored[:, ::-1])

    @abstractmethod
    def _read(self, rows: range, channels: range) -> NDArray[np.float32]:
        """Read a range, with channels in the order of the file."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Observation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_observation(path: str) -> Observation:
    """Open a SIGPROC filterbank file or an HDF5 filterbank file.

    Args:
      path: a file of this machine. Its first bytes show the format.

    Raises:
      InvalidData: it cannot be read, its header is wrong, or it is cut off.
    """
    if is_remote(path):
        raise InvalidData(f"{path} is an address. Copy the observation to this machine first.")
    size = measure_file(path, LOCAL)
    try:
        with open(path, "rb") as file:
            beginning = file.read(len(_HDF5_SIGNATURE))
    except OSError as error:
        raise InvalidData(f"{path} cannot be read: {error.strerror}.") from error
    if beginning == _HDF5_SIGNATURE:
        from data.telescope.filterbank_hdf5 import Hdf5Observation
        from data.telescope.hdf5_trial import try_header

        try_header(path)
        return Hdf5Observation(path)
    from data.telescope.sigproc import SigprocObservation

    return SigprocObservation(path, size)
