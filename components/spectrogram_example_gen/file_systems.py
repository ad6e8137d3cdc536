"""Which file system a data folder is on."""

from __future__ import annotations

from data.reading.files import LOCAL, Files, is_remote


def files_of(folder: str) -> Files:
    """Return what reads the files of a folder."""
    if not is_remote(folder):
        return LOCAL
    # Beam takes a second to import, which a local folder need not wait for.
    from components.spectrogram_example_gen.beam_files import BeamFiles

    return BeamFiles()
