"""Object stores that speak S3: PyArrow's client for `s3://` and `minio://`.

The environment says which store, and with which keys:

    AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL       address of the store; Amazon's if neither is set
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY    keys; otherwise those that the AWS client finds
    AWS_REGION                                  region of a bucket of Amazon's

`minio://` is the store of a Kubeflow installation. Without an address it is sought at the services
where installations have it (`IN_CLUSTER`), as Kubeflow's own launcher does.
"""

from __future__ import annotations

import functools
import io
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, TypeAlias
from urllib.parse import urlsplit

from pyarrow import fs

SCHEMES = ("minio://", "s3://")
"""Beginnings of the addresses of object stores."""

IN_CLUSTER = ("http://seaweedfs.kubeflow:8333", "http://minio-service.kubeflow:9000")
"""Addresses of the store of a default Kubeflow Pipelines installation, seen from a pod.

From release 2.15 on it is SeaweedFS, before that MinIO.
"""

Folder: TypeAlias = tuple[str, list[str], list[str]]
"""Path of a folder, names of the folders in it and names of the files in it, as of `os.walk`."""

# Half a minute in all, with the client's pauses. A store is away for that long while its pod moves
# to another machine, and hours of training should not be lost to it.
_ATTEMPTS = 8
_CONNECT_SECONDS = 10


class StoreError(OSError):
    """A store does not answer, or refuses. The message names address, store and remedy."""


class ObjectStore:
    """Files in an object store.

    A store has no folders of its own: a folder exists as soon as a file is in it, and may outlast
    its files. Files are read and written whole, in memory. A file appears, or is replaced, when it
    is closed, and not at all if an exception leaves the `with` block that writes it.

    Every method may raise a StoreError, and a FileNotFoundError for what does not exist.
    """

    @staticmethod
    def open(path: str, mode: str = "r") -> IO[Any]:
        """Open a file in mode r, rb, w or wb. Text is UTF-8."""
        if mode in ("w", "wb"):
            upload = _Upload(path)
            return upload if mode == "wb" else _TextUpload(upload, encoding="utf-8")
        if mode not in ("r", "rb"):
            raise ValueError(f"mode {mode!r}: an object store has r, rb, w and wb only")
        store, key = _locate(path)
        with _explained(path), store.open_input_file(key) as stream:
            content = io.BytesIO(stream.read())
        return content if mode == "rb" else io.TextIOWrapper(content, encoding="utf-8")

    @staticmethod
    def exists(path: str) -> bool:
        """Return whether there is a file or a folder."""
        return _file_type(path) != fs.FileType.NotFound

    @staticmethod
    def is_folder(path: str) -> bool:
        """Return whether there is a folder."""
        return _file_type(path) == fs.FileType.Directory

    @staticmethod
    def list_folder(folder: str) -> list[str]:
        """Return the names in a folder, sorted."""
        store, key = _locate(folder)
        with _explained(folder):
            return sorted(info.base_name for info in store.get_file_info(fs.FileSelector(key)))

    @staticmethod
    def make_folder(folder: str) -> None:
        """Do nothing: the first file makes a folder."""

    @staticmethod
    def copy_file(source: str, target: str) -> None:
        """Copy a file within the store."""
        store, key = _locate(source)
        with _explained(source):
            if not store.get_file_info(key).is_file:  # some stores report this as a refusal
                raise FileNotFoundError
            store.copy_file(key, _locate(target)[1])

    @staticmethod
    def rename(source: str, target: str) -> None:
        """Rename a file: the whole copy exists before the original is removed."""
        ObjectStore.copy_file(source, target)
        ObjectStore.remove_file(source)

    @staticmethod
    def remove_file(path: str) -> None:
        """Remove a file."""
        store, key = _locate(path)
        with _explained(path):
            store.delete_file(key)

    @staticmethod
    def remove_folder(folder: str) -> None:
        """Remove a folder and everything in it."""
        store, key = _locate(folder)
        with _explained(folder):
            try:
                store.delete_dir(key)
            except FileNotFoundError:
                raise
            except OSError:
                # The one request that deletes many files names none of them in its address.
                # SeaweedFS (issue 9789) and others refuse it to keys that open only one folder of
                # the bucket, such as those of a Kubeflow profile. Any other error is raised again
                # here.
                for info in store.get_file_info(fs.FileSelector(key, recursive=True)):
                    if info.is_file:
                        store.delete_file(info.path)

    @staticmethod
    def walk(folder: str) -> Iterator[Folder]:
        """Yield the folders from the top down, as `os.walk` does."""
        store, top = _locate(folder)
        try:
            with _explained(folder):
                infos = store.get_file_info(fs.FileSelector(top, recursive=True))
        except FileNotFoundError:
            return
        contents: dict[str, tuple[list[str], list[str]]] = {top: ([], [])}
        for info in sorted(infos, key=lambda info: info.path):
            parent, _, name = info.path.rpartition("/")
            folders, names = contents.setdefault(parent, ([], []))
            (names if info.is_file else folders).append(name)
            if not info.is_file:
                contents.setdefault(info.path, ([], []))
        scheme = folder[: folder.index("://") + 3]
        for path in sorted(contents):
            yield scheme + path, *contents[path]


class _Upload(io.BytesIO):
    """Bytes that become a file when they are closed."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._pending = True

    def discard(self) -> None:
        """Upload nothing."""
        self._pending = False

    def __exit__(self, kind: object, *_: object) -> None:
        if kind:
            self.discard()
        self.close()

    def __del__(self) -> None:
        # Nobody closed it, so it may be incomplete.
        self.discard()

    def close(self) -> None:
        """Upload, once."""
        if self._pending:
            self._pending = False
            store, key = _locate(self._path)
            with _explained(self._path), store.open_output_stream(key) as stream:
                stream.write(self.getvalue())
        super().close()


class _TextUpload(io.TextIOWrapper):
    """Text that becomes a file when it is closed."""

    buffer: _Upload

    def __exit__(self, kind: object, *_: object) -> None:
        if kind:
            self.buffer.discard()
        self.close()

    def __del__(self) -> None:
        self.buffer.discard()


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Name file, store and remedy in the errors that PyArrow raises."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} does not exist") from error
    except OSError as error:
        raise StoreError(
            f"{path} in the store {_endpoint(path) or 'Amazon S3'}: {error}. Set AWS_ENDPOINT_URL "
            "to the address of the store, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to its keys, "
            "and AWS_REGION to the region of a bucket of Amazon's."
        ) from error


def _file_type(path: str) -> fs.FileType:
    store, key = _locate(path)
    with _explained(path):
        return store.get_file_info(key).type


def _locate(path: str) -> tuple[fs.FileSystem, str]:
    """Return the client for an address, and the bucket and key in it."""
    return _client(_endpoint(path)), path.partition("://")[2].rstrip("/")


def _endpoint(path: str) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    return endpoint or (_find_in_cluster() if path.startswith("minio://") else "")


@functools.cache
def _find_in_cluster() -> str:
    """Return the first of the services in `IN_CLUSTER` that the cluster knows."""
    for address in IN_CLUSTER:
        parts = urlsplit(address)
        with suppress(OSError):
            socket.getaddrinfo(parts.hostname, parts.port)
            return address
    return IN_CLUSTER[0]


@functools.cache
def _client(endpoint: str) -> fs.FileSystem:
    """Return the client of a store. It finds the keys in the environment by itself."""
    patience: dict[str, Any] = {
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        "connect_timeout": _CONNECT_SECONDS,
    }
    if not endpoint:
        return fs.S3FileSystem(**patience)
    scheme, _, host = endpoint.rstrip("/").rpartition("://")
    # Without a region the client asks Amazon's machines for it, and waits where there are none.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return fs.S3FileSystem(
        endpoint_override=host, scheme=scheme or "https", region=region, **patience
    )
