"""Object stores that speak S3, for what a pipeline keeps from run to run.

TFX's `fileio` takes plug-ins for kinds of addresses; this is the one for `s3://` and `minio://`,
which TensorFlow's own file system cannot open. PyArrow has the client. Whoever reads or writes
kept files imports `fileio` from here, so that the plug-in is there in every process that does.

Which store, and as whom, is in the environment:

    AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3       address of the store; of Amazon's if there is none
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY    keys; else whatever the AWS client finds
    AWS_REGION                                  where the bucket is, if it is Amazon's

`minio://` is the store of a Kubeflow installation. Without an address it is at one of the services
that installations have had for it (`IN_CLUSTER`): where Kubeflow's own launcher looks, too.
"""

from __future__ import annotations

import functools
import io
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any
from urllib.parse import urlsplit

from pyarrow import fs
from tfx.dsl.io import fileio, filesystem, filesystem_registry

__all__ = ["IN_CLUSTER", "SCHEMES", "ObjectStore", "StoreError", "fileio"]

SCHEMES = ("minio://", "s3://")
"""How addresses begin that this opens."""

IN_CLUSTER = ("http://seaweedfs.kubeflow:8333", "http://minio-service.kubeflow:9000")
"""The store of a default installation of Kubeflow Pipelines, seen from a pod; newer ones first.

From release 2.15 on it is SeaweedFS, before that MinIO.
"""

# Half a minute in all, with the client's pauses: a store whose pod moves to another machine is
# away for that long, and no reason for hours of training to end.
_ATTEMPTS = 8
_CONNECT_SECONDS = 10


class StoreError(OSError):
    """A store does not answer, or refuses. The message has address, store and remedy."""


class ObjectStore(filesystem.Filesystem):
    """Files in a store; of TFX's interface all but `glob` and `stat`, which nobody here calls.

    A store has files and no folders: making a folder does nothing, and a folder is there as soon
    as a file is in it; it may outlast its files. Files are read and written whole, in memory. A
    file appears, or is replaced, when it is closed, and not at all if an exception ends the
    `with` block that writes it.

    Every method may raise a StoreError. What is not there is `filesystem.NotFoundError`.
    """

    SUPPORTED_SCHEMES = list(SCHEMES)

    @staticmethod
    def open(path: str, mode: str = "r") -> IO[Any]:
        """Open a file in one of the modes r, rb, w and wb; texts are UTF-8."""
        if mode in ("w", "wb"):
            upload = _Upload(path)
            return upload if mode == "wb" else _TextUpload(upload, encoding="utf-8")
        if mode not in ("r", "rb"):
            raise ValueError(f"mode {mode!r}: a store has no such files")
        store, key = _located(path)
        with _explained(path), store.open_input_file(key) as stream:
            content = io.BytesIO(stream.read())
        return content if mode == "rb" else io.TextIOWrapper(content, encoding="utf-8")

    @staticmethod
    def copy(src: str, dst: str, overwrite: bool = False) -> None:
        """Copy a file within the store."""
        if not overwrite and ObjectStore.exists(dst):
            raise OSError(f"{dst} exists")
        if not ObjectStore.exists(src):
            raise filesystem.NotFoundError(f"{src} is not there")
        store, source = _located(src)
        with _explained(src):
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
        with _explained(path):
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
        with _explained(path):
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
        with _explained(path):
            try:
                store.delete_dir(key)
            except FileNotFoundError:
                raise
            except OSError:
                # One request for many files names none of them in its address, so that SeaweedFS
                # (issue 9789) and others refuse it to keys that are for a part of the bucket, such
                # as those of a Kubeflow profile. Whatever else is wrong is raised again here.
                for info in store.get_file_info(fs.FileSelector(key, recursive=True)):
                    if info.is_file:
                        store.delete_file(info.path)

    @staticmethod
    def walk(
        top: str, topdown: bool = True, onerror: Callable[..., None] | None = None
    ) -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield folder, folders in it and files in it, from the top down, as `os.walk` does."""
        if not topdown:
            raise NotImplementedError("a store is walked from the top down")
        store, key = _located(top)
        try:
            with _explained(top):
                found = store.get_file_info(fs.FileSelector(key, recursive=True))
        except filesystem.NotFoundError:
            return
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


class _Upload(io.BytesIO):
    """Bytes that become a file when they are closed."""

    def __init__(self, path: str):
        super().__init__()
        self._path = path
        self._wanted = True

    def drop(self) -> None:
        """Upload nothing."""
        self._wanted = False

    def __exit__(self, kind, *_) -> None:
        if kind:
            self.drop()
        self.close()

    def __del__(self) -> None:
        # Nobody closed it, so nobody has said that this is all.
        self.drop()

    def close(self) -> None:
        """Upload, once."""
        if self._wanted:
            self._wanted = False
            store, key = _located(self._path)
            with _explained(self._path), store.open_output_stream(key) as stream:
                stream.write(self.getvalue())
        super().close()


class _TextUpload(io.TextIOWrapper):
    """Text that becomes a file when it is closed."""

    def __exit__(self, kind, *_) -> None:
        if kind:
            self.buffer.drop()
        self.close()

    def __del__(self) -> None:
        self.buffer.drop()


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Name the store in what PyArrow raises, and tell what is not there from what went wrong."""
    try:
        yield
    except FileNotFoundError as error:
        raise filesystem.NotFoundError(f"{path} is not there") from error
    except OSError as error:
        raise StoreError(
            f"{path} in the store {_endpoint(path) or 'Amazon S3'}: {error}. AWS_ENDPOINT_URL says "
            "which store, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY with which keys, and for a "
            "bucket of Amazon's AWS_REGION where it is."
        ) from error


def _kind(path: str) -> fs.FileType:
    store, key = _located(path)
    with _explained(path):
        return store.get_file_info(key).type


def _located(path: str) -> tuple[fs.FileSystem, str]:
    """Return the store of an address and the bucket and key in it."""
    return _store(_endpoint(path)), path.partition("://")[2].rstrip("/")


def _endpoint(path: str) -> str:
    named = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    return named or (_in_cluster() if path.startswith("minio://") else "")


@functools.cache
def _in_cluster() -> str:
    """Return the address of the installation's store, of those that its cluster knows."""
    for address in IN_CLUSTER:
        parts = urlsplit(address)
        with suppress(OSError):
            socket.getaddrinfo(parts.hostname, parts.port)
            return address
    return IN_CLUSTER[0]


@functools.cache
def _store(endpoint: str) -> fs.FileSystem:
    """Return the client of a store; it finds keys in the environment by itself."""
    patience: dict[str, Any] = {
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        "connect_timeout": _CONNECT_SECONDS,
    }
    if not endpoint:
        return fs.S3FileSystem(**patience)
    scheme, _, host = endpoint.rstrip("/").rpartition("://")
    # Named, because the client would ask Amazon's machines for it, and wait where there are none.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return fs.S3FileSystem(
        endpoint_override=host, scheme=scheme or "https", region=region, **patience
    )


# Before TensorFlow's, which claims s3:// and can open it only with tensorflow-io.
filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(ObjectStore, priority=0)
