"""One file API for local paths, object stores and every address that TensorFlow knows.

    /home/me/runs, runs       this machine
    s3://..., minio://...     an object store (`data.storage.object_store`)
    gs://... and others       TensorFlow's gfile, imported when it is first needed

A missing file or folder is a FileNotFoundError in all of them. An object store that does not
answer is a `data.storage.object_store.StoreError`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import IO, Any, Literal, overload

from data.storage.object_store import SCHEMES, Folder, ObjectStore

join = os.path.join
"""Joins a folder and names, of paths and of addresses."""

UNFINISHED = ".unfinished-"
"""The names of folders that are not complete begin with this."""


@overload
def open_file(path: str, mode: Literal["r", "w"] = "r") -> IO[str]: ...
@overload
def open_file(path: str, mode: Literal["rb", "wb"]) -> IO[bytes]: ...
def open_file(path: str, mode: str = "r") -> IO[Any]:
    """Open a file. Text is UTF-8.

    A file opened here for writing can be seen unfinished. Use `writing` or `write_file` for every
    file that another process may read.
    """
    return _backend(path).open(path, mode)


def read_text(path: str) -> str:
    """Return the text of a file."""
    with open_file(path) as file:
        return file.read()


def read_bytes(path: str) -> bytes:
    """Return the content of a file."""
    with open_file(path, "rb") as file:
        return file.read()


def write_file(path: str, content: str | bytes) -> None:
    """Write a whole file in one step, as `writing` does."""
    with writing(path, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


@overload
def writing(path: str, mode: Literal["w"] = "w") -> AbstractContextManager[IO[str]]: ...
@overload
def writing(path: str, mode: Literal["wb"]) -> AbstractContextManager[IO[bytes]]: ...
@contextmanager
def writing(path: str, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears, or is replaced, when the `with` block ends.

    Parent folders are created. If an exception leaves the block, nothing is written. After the
    block, a local file survives a power failure.
    """
    backend = _backend(path)
    if backend is ObjectStore:  # an upload appears when it is closed, and only if the block ended
        with backend.open(path, mode) as file:
            yield file
        return
    make_folder(os.path.dirname(path) or ".")
    unfinished = f"{path}.unfinished-{os.getpid()}"
    try:
        with backend.open(unfinished, mode) as file:
            yield file
            if backend is _LocalFiles:
                file.flush()
                os.fsync(file.fileno())
        backend.rename(unfinished, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = path  # Python names no file when it writes.
        with suppress(FileNotFoundError):
            backend.remove_file(unfinished)
        raise


def exists(path: str) -> bool:
    """Return whether there is a file or a folder."""
    return _backend(path).exists(path)


def is_folder(path: str) -> bool:
    """Return whether there is a folder."""
    return _backend(path).is_folder(path)


def list_folder(folder: str) -> list[str]:
    """Return the names of the files and folders in a folder, sorted."""
    return sorted(name.rstrip("/") for name in _backend(folder).list_folder(folder))


def make_folder(folder: str) -> None:
    """Make a folder and its parents, unless they exist."""
    _backend(folder).make_folder(folder)


def remove_file(path: str) -> None:
    """Remove a file."""
    _backend(path).remove_file(path)


def remove_folder(folder: str) -> None:
    """Remove a folder and everything in it."""
    _backend(folder).remove_folder(folder)


def copy_file(source: str, target: str) -> None:
    """Copy a file, also from one store to another, as `writing` writes it."""
    if _backend(source) is _backend(target) is ObjectStore:
        ObjectStore.copy_file(source, target)
        return
    with open_file(source, "rb") as original, writing(target, "wb") as copy:
        shutil.copyfileobj(original, copy)


def move_file(source: str, target: str) -> None:
    """Rename a file or a local folder within its store. A file replaces its target in one step."""
    _backend(target).rename(source, target)


def copy_folder(source: str, target: str) -> None:
    """Copy a folder, also from one store to another. The copy replaces what is at the target."""
    source = source.rstrip("/")
    if not is_folder(source):
        raise FileNotFoundError(f"{source} does not exist, or is no folder")
    if exists(target):
        remove_folder(target)
    for folder, _, names in walk(source):
        copied = join(target, folder.removeprefix(source).lstrip("/"))
        make_folder(copied)
        for name in names:
            copy_file(join(folder, name), join(copied, name))


def publish_folder(source: str, target: str, last: str) -> None:
    """Copy a folder whose files never change, so that readers see all of the copy or nothing.

    On this machine, the copy is made under a hidden name beside the target and then renamed. It
    survives a power failure. Its files are hard links, where the file system has these, and take no
    space of their own. In other stores, the files appear one by one.

    Args:
      source: the folder.
      target: the copy, which must not exist.
      last: name of the file in the folder that appears last in other stores.

    Raises:
      FileExistsError: there is something at the target.
      FileNotFoundError: the folder does not exist, or is empty.
    """
    if exists(target):
        raise FileExistsError(f"{target} exists already")
    source = source.rstrip("/")
    names = [
        join(folder, name).removeprefix(source).lstrip("/")
        for folder, _, names in walk(source)
        for name in names
    ]
    if not names:
        raise FileNotFoundError(f"{source} does not exist, or holds no files")
    if _backend(target) is not _LocalFiles:
        for name in sorted(names, key=last.__eq__):
            copy_file(join(source, name), join(target, name))
        return
    parent, version = os.path.split(target)
    unfinished = join(parent, f"{UNFINISHED}{version}-{os.getpid()}")
    try:
        for name in names:
            if _backend(source) is _LocalFiles:
                _LocalFiles.link(join(source, name), join(unfinished, name))
            else:
                copy_file(join(source, name), join(unfinished, name))
        for folder, *_ in walk(unfinished):
            _sync(folder)
        _LocalFiles.rename(unfinished, target)
    except BaseException:
        with suppress(FileNotFoundError):
            remove_folder(unfinished)
        raise


def walk(folder: str) -> Iterator[Folder]:
    """Yield each folder, the folders in it and the files in it, from the top down.

    A folder that does not exist yields nothing.
    """
    for path, folders, names in _backend(folder).walk(folder.rstrip("/")):
        yield path, sorted(name.rstrip("/") for name in folders), sorted(names)


class _LocalFiles:
    """Files of this machine."""

    exists = staticmethod(os.path.exists)
    is_folder = staticmethod(os.path.isdir)
    list_folder = staticmethod(os.listdir)
    remove_file = staticmethod(os.remove)
    remove_folder = staticmethod(shutil.rmtree)
    walk = staticmethod(os.walk)

    @staticmethod
    def open(path: str, mode: str) -> IO[Any]:
        return open(path, mode, encoding=None if "b" in mode else "utf-8")

    @staticmethod
    def make_folder(folder: str) -> None:
        os.makedirs(folder, exist_ok=True)

    @staticmethod
    def rename(source: str, target: str) -> None:
        os.replace(source, target)
        # A rename is on disk once its folder is.
        _sync(os.path.dirname(target) or ".")

    @staticmethod
    def link(source: str, target: str) -> None:
        """Make a hard link, or a copy where the file system has no links between the two."""
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
        _sync(target)


def _sync(path: str) -> None:
    """Wait until a file, or the list of files in a folder, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _gfile(function: str) -> Any:
    """Return a static method that calls TensorFlow's gfile, with Python's own error."""

    def call(path: str, *args: Any, **options: Any) -> Any:
        import tensorflow as tf

        try:
            return getattr(tf.io.gfile, function)(path, *args, **options)
        except tf.errors.NotFoundError as error:
            raise FileNotFoundError(f"{path} does not exist") from error

    return staticmethod(call)


class _TensorFlowFiles:
    """Files that TensorFlow can open."""

    exists, is_folder = _gfile("exists"), _gfile("isdir")
    list_folder, make_folder = _gfile("listdir"), _gfile("makedirs")
    remove_file, remove_folder = _gfile("remove"), _gfile("rmtree")
    walk = _gfile("walk")
    _stat, _open, _rename = _gfile("stat"), _gfile("GFile"), _gfile("rename")

    @classmethod
    def open(cls, path: str, mode: str) -> IO[Any]:
        if "r" in mode:
            cls._stat(path)  # TensorFlow itself notices that a file is missing when it is read
        return cls._open(path, mode)

    @classmethod
    def rename(cls, source: str, target: str) -> None:
        cls._rename(source, target, overwrite=True)


def _backend(path: str) -> type[_LocalFiles | _TensorFlowFiles | ObjectStore]:
    if path.startswith(SCHEMES):
        return ObjectStore
    return _TensorFlowFiles if "://" in path else _LocalFiles
