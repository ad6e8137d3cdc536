"""Fingerprints of our code. They are part of cache keys, so that changed code runs again."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import grimp

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("pipeline", "components", "trainer", "data")
# Matches modules and functions that are named in quotes, in code or in the parameters of a step.
# TFX, `trainer.models` and others import such names, which an import graph does not show.
_QUOTED_NAME = re.compile(rf"""["']((?:{"|".join(_PACKAGES)})(?:\.\w+)+)\\*["']""")
# Files beside modules that are not loaded as templates. The content of the curated schema is in
# the cache key of the step that imports it.
_NOT_TEMPLATES = ("*.py", "*.pyc", "*.md", "py.typed", "schema.pbtxt")
# Twelve hexadecimal digits distinguish more versions than anybody writes.
_DIGITS = 12

_find_release = functools.cache(metadata.version)


def fingerprint_code(*steps: Any) -> str:
    """Return a fingerprint of all code that steps run.

    It covers every module that the steps import, directly or through other modules, the templates
    beside these modules, and the releases of TFX and TensorFlow.

    Args:
      steps: as `find_entry_modules` takes them.
    """
    digest = hashlib.sha256()
    for library in ("tfx", "tensorflow"):
        digest.update(f"{library} {_find_release(library)}\n".encode())
    for module in sorted(find_imported_modules(set().union(*map(find_entry_modules, steps)))):
        source = _source(module)
        for file in (source, *_templates(source)):
            digest.update(f"{module} {file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:_DIGITS]


def find_entry_modules(step: Any) -> set[str]:
    """Return the modules of our packages that TFX loads to run a step; empty if it loads none.

    Args:
      step: a node of a pipeline, a component class, or the name of a module or function.
    """
    if isinstance(step, str):
        return _modules_named_in(repr(step))
    component: Any = step if isinstance(step, type) else type(step)
    classes = (
        component,
        component.DRIVER_CLASS,
        getattr(component.EXECUTOR_SPEC, "executor_class", None),
    )
    modules = {loaded.__module__ for loaded in classes if loaded}
    parameters = {} if step is component else step.exec_properties
    return modules & _import_graph().modules | _modules_named_in(repr(parameters))


def find_imported_modules(entries: Iterable[str]) -> set[str]:
    """Return the entries and all modules of our packages that are loaded because of them."""
    modules: set[str] = set()
    pending = set(entries)
    while pending:
        module = pending.pop()
        modules.add(module)
        pending |= _directly_loaded(module) - modules
    return modules


@functools.cache
def _directly_loaded(module: str) -> set[str]:
    """What a module imports, also inside functions, what it names in quotes, and its package."""
    loaded = _import_graph().find_modules_directly_imported_by(module)
    loaded |= _modules_named_in(_source(module).read_text(encoding="utf-8"))
    return loaded | ({module.rpartition(".")[0]} if "." in module else set())


@functools.cache
def _import_graph() -> grimp.ImportGraph:
    return grimp.build_graph(*_PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


def _modules_named_in(text: str) -> set[str]:
    return {_module_of(name) for name in _QUOTED_NAME.findall(text)}


def _module_of(name: str) -> str:
    """Return the module that a name with dots belongs to, as `a.b` for the function `a.b.c`."""
    return name if name in _import_graph().modules else _module_of(name.rpartition(".")[0])


def _source(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _templates(source: Path) -> list[Path]:
    """The files beside a package's `__init__.py` that its modules may load."""
    if source.name != "__init__.py":
        return []
    return [
        file
        for file in sorted(source.parent.iterdir())
        if file.is_file() and not any(map(file.match, _NOT_TEMPLATES))
    ]
