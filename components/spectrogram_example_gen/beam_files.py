"""Files by Beam's file systems: local paths, gs://, s3:// and whatever else is registered."""

from __future__ import annotations

from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems


class BeamFiles:
    """See `data.reading.files.Files`."""

    def names(self, folder: str) -> list[str]:
        """Return the paths, relative to the folder, of all files below it."""
        folder = folder.rstrip("/") + "/"
        (match,) = FileSystems.match([f"{folder}**"])
        if not match.metadata_list:
            raise FileNotFoundError(folder)
        return sorted(found.path.removeprefix(folder) for found in match.metadata_list)

    def size(self, path: str) -> int:
        """Return the bytes of a file."""
        (match,) = FileSystems.match([path])
        if not match.metadata_list:
            raise FileNotFoundError(path)
        return match.metadata_list[0].size_in_bytes

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading its bytes as they are, from any position."""
        if not FileSystems.exists(path):  # what it raises differs between file systems
            raise FileNotFoundError(path)
        return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)

    def identity(self, path: str) -> str:
        """Return what tells a file from another of the same name without reading it."""
        (match,) = FileSystems.match([path])
        (found,) = match.metadata_list
        return f"{found.size_in_bytes} bytes, changed at {found.last_updated_in_seconds}"
