"""JSON files that hold their own digest, so that damage to them is noticed.

The object has an additional key, `sha256`: the digest of the rest, with sorted keys. Files without
this key, which earlier releases wrote, are read unchecked.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from data.invalid import InvalidData
from data.storage import files

_DIGEST = "sha256"


def write_checked_json(path: str, content: dict[str, Any]) -> None:
    """Write an object and its digest, in one step."""
    text = json.dumps(content, indent=2)
    # What is read again decides: it has lists for tuples, and text for the keys.
    digest = _compute_digest(json.loads(text))
    files.write_file(path, json.dumps({**content, _DIGEST: digest}, indent=2))


def read_checked_json(path: str) -> dict[str, Any]:
    """Return the object in a file, without its digest.

    Raises:
      FileNotFoundError: there is no such file.
      InvalidData: the file is damaged.
    """
    try:
        content = json.loads(files.read_text(path))
    except ValueError:
        content = None
    if isinstance(content, dict):
        digest = content.pop(_DIGEST, None)
        if digest is None or digest == _compute_digest(content):
            return content
    raise InvalidData(f"{path} is damaged.")


def _compute_digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
