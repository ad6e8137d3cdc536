"""Identifies a file by its content."""

import hashlib

_BLOCK_BYTES = 1 << 22


def fingerprint_file(path: str) -> str:
    """Return the SHA-256 of a local file in hexadecimal digits; an empty string for no path."""
    if not path:
        return ""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
