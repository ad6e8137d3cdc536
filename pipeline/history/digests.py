"""The digests of what an output folder holds, so that damage is noticed before it is used."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from data.fingerprint import fingerprint_file
from data.invalid import InvalidData
from data.storage import files
from data.storage.checked_json import read_checked_json, write_checked_json

_DIGESTS_FILE = "digests.json"
_ARTIFACTS, _RECORD = "artifacts", "record"


class Digests:
    """The SHA-256 of each file of each artifact, and of the record of runs, in OUTPUT/digests.json.

    Artifacts in a bucket are left out: stores keep digests of their own. What an earlier release
    made has no digest, and counts as undamaged.

    Attributes:
      problem: what is wrong with the file of the digests itself; empty if nothing is.
    """

    def __init__(self, output: str) -> None:
        """Read the digests.

        Args:
          output: the output folder.
        """
        self._file = os.path.join(output, _DIGESTS_FILE)
        self.problem = ""
        content: dict[str, Any] = {}
        try:
            content = read_checked_json(self._file)
        except FileNotFoundError:
            pass
        except InvalidData:
            self.problem = (
                f"{self._file} is damaged, so the results of earlier runs are used unchecked. To "
                "make them anew, run with --no-cache."
            )
        self._artifacts: dict[str, dict[str, str]] = content.get(_ARTIFACTS, {})
        self._record: str = content.get(_RECORD, "")

    def add(self, folders: Iterable[str]) -> None:
        """Store the digests of artifacts, and forget artifacts that have been removed."""
        local = [folder for folder in folders if "://" not in folder]
        if local:
            kept = {
                folder: self._artifacts[folder] for folder in filter(os.path.isdir, self._artifacts)
            }
            self._artifacts = kept | {folder: _compute_digests(folder) for folder in local}
            self._write()

    def knows(self, folder: str) -> bool:
        """Return whether there are digests of an artifact."""
        return folder in self._artifacts

    def find_damage(self, folder: str) -> str:
        """Return the path of a file of an artifact that is not as it was stored, or nothing."""
        if folder not in self._artifacts:
            return ""
        stored, present = self._artifacts[folder], _compute_digests(folder)
        for name in sorted({*stored, *present}):
            if stored.get(name) != present.get(name):
                return os.path.join(folder, name)
        return ""

    def add_record(self, database: str) -> None:
        """Store the digest of the record of runs, which nobody changes until the next run."""
        self._record = fingerprint_file(database)
        self._write()

    def forget_record(self) -> None:
        """Remove the digest of the record of runs, because a run is about to change it."""
        if self._record:
            self._record = ""
            self._write()

    def is_record_intact(self, database: str) -> bool:
        """Return whether the record of runs is as the last run left it, as far as that is known."""
        return not self._record or fingerprint_file(database) == self._record

    def _write(self) -> None:
        write_checked_json(self._file, {_ARTIFACTS: self._artifacts, _RECORD: self._record})


def _compute_digests(folder: str) -> dict[str, str]:
    return {
        os.path.relpath(path, folder): fingerprint_file(path)
        for parent, _, names in files.walk(folder)
        for path in (os.path.join(parent, name) for name in names)
    }
