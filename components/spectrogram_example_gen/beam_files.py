"""Input files on any file system that Beam knows: gs://, s3:// and whatever is registered."""

from __future__ import annotations

from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems


class BeamFiles:
    """Implements `data.reading.input_files.InputFiles`."""

    def names(self, folder: str) -> list[str]:
        """Return the paths, relative to the folder, of all files below it."""
        folder = folder.rstrip("/") + "/"
        (match,) = FileSystems.match([f"{folder}**"])
        if not match.metadata_list:
            raise FileNotFoundError(folder)
        return sorted(metadata.path.removeprefix(folder) for metadata in match.metadata_list)

    def size(self, path: str) -> int:
        """Return the size of a file in bytes."""
        return _read_metadata(path).size_in_bytes

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading its bytes, not decompressed, from any position."""
        if not FileSystems.exists(path):  # Otherwise each file system raises its own error.
            raise FileNotFoundError(path)
        return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)

    def identity(self, path: str) -> str:
        """Return size and time of a file, which identify its content without reading it."""
        metadata = _read_metadata(path)
        return f"{metadata.size_in_bytes} bytes, changed at {metadata.last_updated_in_seconds}"


def _read_metadata(path: str) -> FileMetadata:
    (match,) = FileSystems.match([path])
    if not match.metadata_list:
        raise FileNotFoundError(path)
    return match.metadata_list[0]
