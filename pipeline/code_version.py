"""Fingerprints of our own code, so that edited code is never answered from the cache."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType


def fingerprint(*modules: ModuleType) -> str:
    """Return twelve hexadecimal digits that change with the modules' source.

    Args:
      modules: plain modules, and packages, which stand for every Python file inside them.
    """
    digest = hashlib.sha256()
    for module in modules:
        file = Path(module.__file__)
        is_package = hasattr(module, "__path__")
        for source in sorted(file.parent.rglob("*.py")) if is_package else [file]:
            digest.update(str(source.relative_to(file.parent)).encode())
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
