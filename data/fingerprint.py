"""Identity of a file by what is in it."""

import hashlib

_CHUNK_BYTES = 1 << 22


def file_fingerprint(path: str) -> str:
    """Return SHA-256 of a local file's content in hexadecimal digits; empty for no path."""
    if not path:
        return ""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
