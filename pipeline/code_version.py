"""Fingerprints of our own code, so that edited code is never answered from the cache."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path
from types import ModuleType

# Twelve hexadecimal digits tell apart more versions than anybody writes.
_DIGITS = 12


def code_fingerprint(*modules: ModuleType) -> str:
    """Return a fingerprint that changes with the modules' files, and with TFX and TensorFlow.

    Args:
      modules: plain modules, and packages, which stand for every file inside them.
    """
    digest = hashlib.sha256()
    for library in ("tfx", "tensorflow"):
        digest.update(f"{library} {metadata.version(library)}\n".encode())
    for module in modules:
        file = Path(module.__file__)
        is_package = hasattr(module, "__path__")
        for source in sorted(file.parent.rglob("*")) if is_package else [file]:
            if source.is_file() and "__pycache__" not in source.parts:
                digest.update(str(source.relative_to(file.parent)).encode())
                digest.update(source.read_bytes())
    return digest.hexdigest()[:_DIGITS]
