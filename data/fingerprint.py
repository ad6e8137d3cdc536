"""Identifies a file by its content."""

import hashlib

from data.storage import files

_BLOCK_BYTES = 1 << 22


def fingerprint_file(path: str) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; an empty string for no path."""
    if not path:
        return ""
    digest = hashlib.sha256()
    with files.open_file(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
