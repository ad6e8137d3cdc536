"""Object stores that speak S3, for what a pipeline keeps from run to run.

TFX's `fileio` takes plug-ins for kinds of addresses; this is the one for `s3://` and `minio://`,
which TensorFlow's own file system cannot open. PyArrow has the client. Whoever reads or writes
kept files imports `fileio` from here, so that the plug-in is there in every process that does.

Which store, and as whom, is in the environment:

    AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3       address of the store; of Amazon's if there is none
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY    keys; else whatever the AWS client finds

`minio://` is the store of a Kubeflow installation. Without an address it is at the service
`minio-service` of the namespace `kubeflow`, where Kubeflow's own launcher looks for it.
"""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Callable, Iterator
from typing import IO, Any

from pyarrow import fs
from tfx.dsl.io import fileio, filesystem, filesystem_registry

__all__ = ["IN_CLUSTER", "SCHEMES", "ObjectStore", "fileio"]

SCHEMES = ("minio://", "s3://")
"""How addresses begin that this opens."""

IN_CLUSTER = "http://minio-service.kubeflow:9000"
"""The store of a default installation of Kubeflow Pipelines, seen from a pod."""


class ObjectStore(filesystem.Filesystem):
    """Files in a store; methods are those of TFX's interface.

    A store has files and no folders: making a folder does nothing, and a folder is there as long
    as there is a file in it. A file appears, or is replaced, when it is closed, whole.

    Every method may raise an OSError that names store and address: it does not answer, or the
    keys are not good for it. What is not there is `filesystem.NotFoundError`.
    """

    SUPPORTED_SCHEMES = list(SCHEMES)

    @staticmethod
    def open(path: str, mode: str = "r") -> IO[Any]:
        """Open a file in one of the modes r, rb, w and wb."""
        store, key = _located(path)
        with _Explained(path):
            if mode.startswith("r"):
                stream = store.open_input_file(key)
            elif mode.startswith("w"):
                stream = store.open_output_stream(key)
            else:
                raise ValueError(f"mode {mode!r}: a store has no such files")
        return stream if mode.endswith("b") else io.TextIOWrapper(stream, encoding="utf-8")

    @staticmethod
    def copy(src: str, dst: str, overwrite: bool = False) -> None:
        """Copy a file within the store."""
        ObjectStore._refuse_existing(dst, overwrite)
        store, source = _located(src)
        with _Explained(src):
            store.copy_file(source, _located(dst)[1])

    @staticmethod
    def exists(path: str) -> bool:
        """Whether there is a file or a folder."""
        return _kind(path) != fs.FileType.NotFound

    @staticmethod
    def isdir(path: str) -> bool:
        """Whether there is a folder."""
        return _kind(path) == fs.FileType.Directory

    @staticmethod
    def listdir(path: str) -> list[str]:
        """Return the names in a folder."""
        store, key = _located(path)
        with _Explained(path):
            return sorted(info.base_name for info in store.get_file_info(fs.FileSelector(key)))

    @staticmethod
    def makedirs(path: str) -> None:
        """Nothing to be done."""

    @staticmethod
    def mkdir(path: str) -> None:
        """Nothing to be done."""

    @staticmethod
    def remove(path: str) -> None:
        """Remove a file."""
        store, key = _located(path)
        with _Explained(path):
            store.delete_file(key)

    @staticmethod
    def rename(src: str, dst: str, overwrite: bool = False) -> None:
        """Give a file another name: the new one is there, whole, before the old one goes."""
        ObjectStore.copy(src, dst, overwrite)
        ObjectStore.remove(src)

    @staticmethod
    def rmtree(path: str) -> None:
        """Remove a folder and all that is in it."""
        store, key = _located(path)
        with _Explained(path):
            store.delete_dir(key)

    @staticmethod
    def walk(
        top: str, topdown: bool = True, onerror: Callable[..., None] | None = None
    ) -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield folder, folders in it and files in it, from the top down, as `os.walk` does."""
        if not topdown:
            raise NotImplementedError("a store is walked from the top down")
        store, key = _located(top)
        with _Explained(top):
            found = store.get_file_info(fs.FileSelector(key, allow_not_found=True, recursive=True))
        folders: dict[str, tuple[list[str], list[str]]] = {key: ([], [])}
        for info in sorted(found, key=lambda info: info.path):
            parent, _, name = info.path.rpartition("/")
            below, files = folders.setdefault(parent, ([], []))
            if info.is_file:
                files.append(name)
            else:
                below.append(name)
                folders.setdefault(info.path, ([], []))
        scheme = top[: top.index("://") + 3]
        for folder in sorted(folders):
            yield scheme + folder, *folders[folder]

    @staticmethod
    def _refuse_existing(path: str, overwrite: bool) -> None:
        if not overwrite and ObjectStore.exists(path):
            raise OSError(f"{path} exists")


class _Explained:
    """Names the store in what PyArrow raises, and tells what is not there from what went wrong."""

    def __init__(self, path: str):
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind, error, _) -> None:
        if isinstance(error, FileNotFoundError):
            raise filesystem.NotFoundError(f"{self._path} is not there") from error
        if isinstance(error, OSError):
            place = _endpoint(self._path) or "Amazon S3"
            raise OSError(
                f"{self._path} in the store {place}: {error}. AWS_ENDPOINT_URL says which store, "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY with which keys."
            ) from error


def _kind(path: str) -> fs.FileType:
    store, key = _located(path)
    with _Explained(path):
        return store.get_file_info(key).type


def _located(path: str) -> tuple[fs.FileSystem, str]:
    """Return the store of an address and the bucket and key in it."""
    return _store(_endpoint(path)), path.partition("://")[2].rstrip("/")


def _endpoint(path: str) -> str:
    named = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    return named or (IN_CLUSTER if path.startswith("minio://") else "")


@functools.cache
def _store(endpoint: str) -> fs.FileSystem:
    """Return the client of a store; it finds keys and region in the environment by itself."""
    if not endpoint:
        return fs.S3FileSystem()
    scheme, _, host = endpoint.rstrip("/").rpartition("://")
    # Named, because the client would ask Amazon's machines for it, and wait where there are none.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return fs.S3FileSystem(endpoint_override=host, scheme=scheme or "https", region=region)


# Before TensorFlow's, which claims s3:// and can open it only with tensorflow-io.
filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(ObjectStore, priority=0)
