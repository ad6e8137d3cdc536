"""Maps addresses in a bucket to the local folders that Kubeflow's launcher uses, and back.

Before a step starts, the launcher downloads its input artifacts, and after the step it uploads its
output artifacts. `minio://bucket/key` is `/minio/bucket/key` in the step's file system; the other
schemes work in the same way. A step thus works on local files, whatever the store.
"""

from __future__ import annotations

import os

# Folder of the launcher by scheme of the address.
_FOLDERS = {"minio": "minio", "s3": "s3", "gs": "gcs"}

STORES = tuple(f"{scheme}://" for scheme in _FOLDERS)
"""Beginnings of the addresses that the launcher copies from and to."""

LAUNCHER_ROOT = "RADIO_SIGNALS_LAUNCHER_ROOT"
"""Environment variable: the folder that holds the launcher's folders; `/` in a cluster."""


def to_local_path(address: str) -> str:
    """Return the launcher's path for an address; return any other text unchanged."""
    scheme, separator, key = address.partition("://")
    if not separator or scheme not in _FOLDERS:
        return address
    return os.path.join(_get_root(), _FOLDERS[scheme], key)


def to_store_address(path: str) -> str:
    """Return the address for a path of the launcher's; return any other text unchanged."""
    for scheme, folder in _FOLDERS.items():
        prefix = os.path.join(_get_root(), folder) + os.sep
        if path.startswith(prefix):
            return f"{scheme}://{path.removeprefix(prefix)}"
    return path


def _get_root() -> str:
    return os.environ.get(LAUNCHER_ROOT, "/")
