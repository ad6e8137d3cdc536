"""Object stores that speak S3: PyArrow's client for `s3://` and `minio://`.

The environment says which store, and with which keys:

    AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL       address of the store; Amazon's if neither is set
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY    keys; otherwise those that the AWS client finds
    AWS_REGION                                  region of a bucket of Amazon's

`minio://` is the store of a Kubeflow installation. Without an address it is sought at the services
where installations have it (`IN_CLUSTER`), as Kubeflow's own launcher does.
"""

from __future__ import annotations

import errno
import functools
import io
import os
import re
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import IO, Any, TypeAlias, TypeVar
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

# For one operation, with all attempts. A store is away for that long while its pod moves to another
# machine, and hours of training should not be lost to it. SeaweedFS needs half of it to
# start again.
_DEADLINE_SECONDS = 60.0
# Large files get more time: a slower store could not be worked with.
_BYTES_PER_SECOND = 1e6
# For one attempt to connect, and for a pause between two parts of an answer.
_PATIENCE_SECONDS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0

# Failures that may pass, in the words of PyArrow and of the AWS client.
_PASSING = re.compile(
    r"AWS Error (NETWORK_CONNECTION|SLOW_DOWN|SERVICE_UNAVAILABLE|INTERNAL_FAILURE|THROTTLING"
    r"|REQUEST_TIMEOUT)|HTTP status (429|5\d\d)"
)
# The file was removed after it was opened.
_REMOVED = re.compile("AWS Error (RESOURCE_NOT_FOUND|NO_SUCH_KEY) during GetObject")

_Result = TypeVar("_Result")


class StoreError(OSError):
    """A store does not answer, or refuses. The message names address, store and remedy."""


class StoreUnreachableError(StoreError):
    """A store gave no complete answer in time, whatever was tried."""


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
        stream = _perform(path, lambda store, key: store.open_input_file(key))
        size = stream.size()
        content = io.BytesIO(_perform(path, lambda *_: stream.read_at(size, 0), size))
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
        infos = _perform(folder, lambda store, key: store.get_file_info(fs.FileSelector(key)))
        return sorted(info.base_name for info in infos)

    @staticmethod
    def make_folder(folder: str) -> None:
        """Do nothing: the first file makes a folder."""

    @staticmethod
    def copy_file(source: str, target: str) -> None:
        """Copy a file within the store."""
        info = _perform(source, lambda store, key: store.get_file_info(key))
        if not info.is_file:  # some stores report this as a refusal
            raise FileNotFoundError(f"{source} does not exist")
        _perform(source, lambda store, key: store.copy_file(key, _get_key(target)), info.size)

    @staticmethod
    def rename(source: str, target: str) -> None:
        """Rename a file: the whole copy exists before the original is removed."""
        ObjectStore.copy_file(source, target)
        ObjectStore.remove_file(source)

    @staticmethod
    def remove_file(path: str) -> None:
        """Remove a file."""
        _perform(path, lambda store, key: store.delete_file(key))

    @staticmethod
    def remove_folder(folder: str) -> None:
        """Remove a folder and everything in it."""
        try:
            _perform(folder, lambda store, key: store.delete_dir(key))
        except (FileNotFoundError, StoreUnreachableError):
            raise
        except StoreError:
            # The one request that deletes many files names none of them in its address. SeaweedFS
            # (issue 9789) and others refuse it to keys that open only one folder of the bucket,
            # such as those of a Kubeflow profile. For more than 1,000 files, PyArrow 10 sends
            # further requests that name no file, which SeaweedFS refuses too. Any other error is
            # raised again here.
            scheme = folder[: folder.index("://") + 3]
            for info in _list_all(folder):
                # The first of those requests may still remove files.
                with suppress(FileNotFoundError):
                    if info.is_file:
                        ObjectStore.remove_file(scheme + info.path)

    @staticmethod
    def walk(folder: str) -> Iterator[Folder]:
        """Yield the folders from the top down, as `os.walk` does."""
        top = _get_key(folder)
        try:
            infos = _list_all(folder)
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
            content = self.getvalue()

            def write(store: fs.FileSystem, key: str) -> None:
                with store.open_output_stream(key) as stream:
                    stream.write(content)

            _perform(self._path, write, len(content))
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


def _perform(
    path: str, operation: Callable[[fs.FileSystem, str], _Result], size: int = 0
) -> _Result:
    """Return what an operation returns, and try it again while a failure may pass.

    The client has no limit for an operation as a whole, only for pauses in an answer. So the
    operation has a thread of its own, whose connection is cut if it does not end in time.

    Args:
      path: address of the file or folder.
      operation: gets the client, and bucket and key of the path. It may be called several times.
      size: number of bytes that it moves.
    """
    seconds = _DEADLINE_SECONDS + size / _BYTES_PER_SECOND
    deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        attempt: Future[_Result] = Future()
        threading.Thread(target=_try, args=(attempt, path, operation), daemon=True).start()
        wait([attempt], deadline - time.monotonic())
        if not attempt.done():
            _hang_up(_endpoint(path))
            wait([attempt], _FIRST_PAUSE)
            raise StoreUnreachableError(
                f"{path} in the store {_name_store(path)}: no complete answer within "
                f"{seconds:.0f} seconds. Check that the store runs and is not overloaded, and that "
                "AWS_ENDPOINT_URL is its address."
            )
        try:
            return attempt.result()
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{path} does not exist") from error
        except OSError as error:
            if _REMOVED.search(str(error)):
                raise FileNotFoundError(f"{path} does not exist") from error
            may_pass = _PASSING.search(str(error))
            if may_pass and time.monotonic() + pause < deadline:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            kind = StoreUnreachableError if may_pass else StoreError
            raise kind(
                f"{path} in the store {_name_store(path)}: {error}. Set AWS_ENDPOINT_URL to the "
                "address of the store, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to its keys, "
                "and AWS_REGION to the region of a bucket of Amazon's."
            ) from error


def _try(
    attempt: Future[_Result], path: str, operation: Callable[[fs.FileSystem, str], _Result]
) -> None:
    try:
        attempt.set_result(operation(_client(_endpoint(path)), _get_key(path)))
    except BaseException as error:
        attempt.set_exception(error)


def _hang_up(endpoint: str) -> None:
    """End this process's connections to a store, and so the operations that wait for it.

    Otherwise the client would wait for them when the process ends, and crash. An operation of
    another thread that still makes progress is tried again.
    """
    if not endpoint:  # Amazon's: it has many addresses, and does answer
        return
    parts = urlsplit(endpoint)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    with suppress(OSError):
        known = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        addresses = {address[:2] for *_, address in known}
        for descriptor in map(int, os.listdir("/dev/fd")):
            with (
                suppress(OSError),  # no connection, or closed meanwhile
                _open_socket(descriptor) as connection,
            ):
                if connection.getpeername()[:2] in addresses:
                    connection.shutdown(socket.SHUT_RDWR)


def _open_socket(descriptor: int) -> socket.socket:
    """Return another handle of a socket that this process has open.

    Raises:
      OSError: the descriptor is closed, or belongs to no socket.
    """
    # `fromfd` fails for other files too, but leaves a duplicate of them open.
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    return socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)


def _list_all(folder: str) -> list[fs.FileInfo]:
    """Return the files and folders in a folder and below it."""
    infos: list[fs.FileInfo] = _perform(
        folder, lambda store, key: store.get_file_info(fs.FileSelector(key, recursive=True))
    )
    return infos


def _file_type(path: str) -> fs.FileType:
    return _perform(path, lambda store, key: store.get_file_info(key).type)


def _get_key(path: str) -> str:
    """Return bucket and key of an address."""
    return path.partition("://")[2].rstrip("/")


def _name_store(path: str) -> str:
    return _endpoint(path) or "Amazon S3"


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
        # `_perform` tries again: the client's own pauses may add up to a minute.
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=1),
        "connect_timeout": _PATIENCE_SECONDS,
        "request_timeout": _PATIENCE_SECONDS,
    }
    if not endpoint:
        return fs.S3FileSystem(**patience)
    scheme, _, host = endpoint.rstrip("/").rpartition("://")
    # Without a region the client asks Amazon's machines for it, and waits where there are none.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return fs.S3FileSystem(
        endpoint_override=host, scheme=scheme or "https", region=region, **patience
    )
