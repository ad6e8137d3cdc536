"""Input files on any file system that Beam knows: gs://, s3:// and whatever is registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions


class BeamFiles:
    """Implements `data.reading.input_files.StoredFiles`."""

    def __init__(self) -> None:
        # Each pipeline of Beam sets the options of its file systems. Before the first one there are
        # none, and Beam's s3:// then refuses to open anything.
        if FileSystems._pipeline_options is None:  # noqa: SLF001 - nothing else tells
            FileSystems.set_options(PipelineOptions([]))

    def names(self, folder: str) -> list[str]:
        """Return the paths, relative to the folder, of all files below it."""
        listed = _list_below(folder)
        if not listed:
            raise FileNotFoundError(folder)
        folder = folder.rstrip("/") + "/"
        return sorted(metadata.path.removeprefix(folder) for metadata in listed)

    def size(self, path: str) -> int:
        """Return the size of a file in bytes."""
        return _read_metadata(path).size_in_bytes

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading its bytes, not decompressed, from any position."""
        if not FileSystems.exists(path):  # Otherwise each file system raises its own error.
            raise FileNotFoundError(path)
        return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)

    def identities(self, folder: str, paths: Sequence[str]) -> dict[str, str]:
        """Return sizes and times of files, which identify their content, from one listing."""
        known = {metadata.path: metadata for metadata in _list_below(folder)}
        return {
            path: f"{known[path].size_in_bytes} bytes, "
            f"changed at {known[path].last_updated_in_seconds}"
            if path in known
            else "missing"
            for path in paths
        }


def _list_below(folder: str) -> list[FileMetadata]:
    (match,) = FileSystems.match([folder.rstrip("/") + "/**"])
    return match.metadata_list


def _read_metadata(path: str) -> FileMetadata:
    (match,) = FileSystems.match([path])
    if not match.metadata_list:
        raise FileNotFoundError(path)
    return match.metadata_list[0]
