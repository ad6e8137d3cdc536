"""Registers the object stores with TFX, whose own components then read and write there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from tfx.dsl.io import filesystem, filesystem_registry

from data.storage.object_store import SCHEMES, Folder, ObjectStore


def register_object_stores() -> None:
    """Make TFX's `fileio` open `s3://` and `minio://` in this process."""
    # Before TensorFlow's own plug-in, which claims s3:// and opens it only with tensorflow-io.
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(_TfxObjectStore, priority=0)


def _translated(operation: Callable[..., Any]) -> Any:
    """Return an operation of a store as a static method that raises TFX's own error."""

    @functools.wraps(operation)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return operation(*args, **options)
        except FileNotFoundError as error:
            raise filesystem.NotFoundError(str(error)) from error

    return staticmethod(call)


def _replacing(operation: Callable[[str, str], None]) -> Any:
    """Return an operation that replaces its target only on request, as TFX expects."""

    def call(src: str, dst: str, overwrite: bool = False) -> None:
        if not overwrite and ObjectStore.exists(dst):
            raise OSError(f"{dst} exists")
        operation(src, dst)

    return _translated(call)


class _TfxObjectStore(filesystem.Filesystem):
    """TFX's interface but for `glob` and `stat`, which none of its components call there."""

    SUPPORTED_SCHEMES = list(SCHEMES)

    open = _translated(ObjectStore.open)
    exists = _translated(ObjectStore.exists)
    isdir = _translated(ObjectStore.is_folder)
    listdir = _translated(ObjectStore.list_folder)
    makedirs = mkdir = _translated(ObjectStore.make_folder)
    copy = _replacing(ObjectStore.copy_file)
    rename = _replacing(ObjectStore.rename)
    remove = _translated(ObjectStore.remove_file)
    rmtree = _translated(ObjectStore.remove_folder)

    @staticmethod
    def walk(top: str, topdown: bool = True, **_: Any) -> Iterable[Folder]:
        """Yield the folders of a tree. Errors are raised, whatever TFX would do with them."""
        folders = ObjectStore.walk(top)
        return folders if topdown else reversed(list(folders))
