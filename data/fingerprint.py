"""Identifies a file by its content."""

import hashlib
from typing import IO

from data.storage import files

_BLOCK_BYTES = 1 << 22


def fingerprint_file(path: str) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; an empty string for no path."""
    if not path:
        return ""
    with files.open_file(path, "rb") as file:
        return fingerprint_stream(file)


def fingerprint_stream(stream: IO[bytes]) -> str:
    """Return the SHA-256 of the rest of a stream in hexadecimal digits."""
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()
