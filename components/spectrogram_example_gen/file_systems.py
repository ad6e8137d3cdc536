"""Chooses the file system of a data folder."""

from __future__ import annotations

from data.reading.input_files import LOCAL, StoredFiles, is_remote


def choose_files(folder: str) -> StoredFiles:
    """Return the file access for a data folder: this machine's, or Beam's for an address."""
    if not is_remote(folder):
        return LOCAL
    # Importing Beam takes a second, which a local folder need not wait for.
    from components.spectrogram_example_gen.beam_files import BeamFiles

    return BeamFiles()
