"""Keeps TFX's cache from answering with damaged artifacts."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from pipeline.history.digests import Digests

_LOG = logging.getLogger("radio_signals.artifacts")


@contextlib.contextmanager
def checked_by_cache(digests: Digests) -> Iterator[None]:
    """Make TFX's cache leave out artifacts whose files are not as they were made.

    TFX asks `verify_artifacts` whether the folders of a cached output exist, and looks for another
    output if they do not. It offers no other place for a check.
    """
    original = artifact_utils.verify_artifacts

    def verify(artifacts: dict[str, list[Artifact]]) -> None:
        original(artifacts)
        for path in (artifact.uri for group in artifacts.values() for artifact in group):
            if damaged := digests.find_damage(path):
                _LOG.warning("%s is damaged, so its step runs again", damaged)
                raise RuntimeError(f"{damaged} is damaged")
            if not digests.knows(path):  # an earlier release made it, or the digests were lost
                digests.add([path])

    artifact_utils.verify_artifacts = verify
    try:
        yield
    finally:
        artifact_utils.verify_artifacts = original
