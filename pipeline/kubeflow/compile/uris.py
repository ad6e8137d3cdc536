"""Where Kubeflow's launcher puts artifacts that are in a bucket, and what they are called there.

Before a step starts, the launcher downloads its input artifacts, and after it ended it uploads
its output artifacts: `minio://bucket/key` is `/minio/bucket/key` in the step's file system, and
likewise for the other schemes. So a step works on local files, whatever the store, and needs no
library for it.
"""

from __future__ import annotations

import os

# Scheme of the address, folder of the launcher.
_FOLDERS = {"minio": "minio", "s3": "s3", "gs": "gcs"}

STORES = tuple(f"{scheme}://" for scheme in _FOLDERS)
"""How addresses begin that Kubeflow's launcher copies from and to."""

LAUNCHER_ROOT = "RADIO_SIGNALS_LAUNCHER_ROOT"
"""Environment variable: below which folder the launcher's folders are; `/` in a cluster."""


def local_path(uri: str) -> str:
    """Return where the launcher has the artifact; what is no address of a store stays as it is."""
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme not in _FOLDERS:
        return uri
    return os.path.join(_root(), _FOLDERS[scheme], rest)


def address(path: str) -> str:
    """Return the store's address of a path of the launcher's; other paths stay as they are."""
    for scheme, folder in _FOLDERS.items():
        start = os.path.join(_root(), folder) + os.sep
        if path.startswith(start):
            return f"{scheme}://{path.removeprefix(start)}"
    return path


def _root() -> str:
    return os.environ.get(LAUNCHER_ROOT, "/")
