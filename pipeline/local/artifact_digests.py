"""Digests of artifacts, so that the cache never answers with damaged ones."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from data.fingerprint import fingerprint_file
from data.storage import files

_LOG = logging.getLogger("radio_signals.artifacts")


class ArtifactDigests:
    """The digest of each artifact that this machine holds, in a file of the output folder.

    Artifacts in a bucket are left out: stores keep digests of their own.
    """

    def __init__(self, output: str) -> None:
        """Read the digests.

        Args:
          output: the output folder.
        """
        self._file = os.path.join(output, "digests.json")
        self._digests: dict[str, str] = {}
        try:
            self._digests = json.loads(files.read_text(self._file))
        except FileNotFoundError:
            pass
        except ValueError:
            _LOG.warning("%s is damaged and is made anew", self._file)

    def add(self, artifacts: Iterable[str]) -> None:
        """Record the digests of the artifacts that a step has made."""
        self._digests |= {path: _compute_digest(path) for path in filter(_is_local, artifacts)}
        files.write_file(self._file, json.dumps(self._digests, indent=1))

    @contextlib.contextmanager
    def checked_by_cache(self) -> Iterator[None]:
        """Make TFX's cache leave out artifacts whose files are not as they were made.

        TFX asks `verify_artifacts` whether the folders of a cached output exist, and looks for
        another output if they do not. It offers no other place for a check.
        """
        original = artifact_utils.verify_artifacts

        def verify(artifacts: dict[str, list[Artifact]]) -> None:
            original(artifacts)
            self._verify(artifact.uri for group in artifacts.values() for artifact in group)

        artifact_utils.verify_artifacts = verify
        try:
            yield
        finally:
            artifact_utils.verify_artifacts = original

    def _verify(self, artifacts: Iterable[str]) -> None:
        for path in artifacts:
            if path in self._digests and _compute_digest(path) != self._digests[path]:
                _LOG.warning("%s is damaged, so its step runs again", path)
                raise RuntimeError(f"{path} is damaged")


def _is_local(path: str) -> bool:
    return "://" not in path


def _compute_digest(folder: str) -> str:
    """Return a digest of the names and the content of all files in a folder."""
    digest = hashlib.sha256()
    for path, _, names in files.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            digest.update(f"{os.path.relpath(file, folder)}\0{fingerprint_file(file)}\0".encode())
    return digest.hexdigest()
