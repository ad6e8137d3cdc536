"""Values of a package's parameters, from the command line's text to the declared types."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from pipeline.config.config import ConfigError


def _integer(text: str) -> int:
    return int(text)


def _double(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _list(text: str) -> list[Any]:
    value = json.loads(text)
    if not isinstance(value, list):
        raise ValueError
    return value


def _struct(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError
    return value


# How to read a value of each type, and what to call one.
TYPES: dict[str, tuple[Callable[[str], Any], str]] = {
    "NUMBER_INTEGER": (_integer, "a whole number"),
    "NUMBER_DOUBLE": (_double, "a number"),
    "STRING": (str, "a text"),
    "BOOLEAN": (_boolean, "true or false"),
    "LIST": (_list, "a list in JSON, such as [1, 2]"),
    "STRUCT": (_struct, 'an object in JSON, such as {"a": 1}'),
}


def typed_values(declared: dict[str, dict[str, Any]], given: Sequence[str]) -> dict[str, Any]:
    """Return the values that were given, by name.

    Args:
      declared: the package's parameters by name, see `CompiledPackage`.
      given: texts KEY=VALUE.

    Raises:
      ConfigError: a parameter is unknown, given twice or of another type.
    """
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f'--param {text}: write it as "name=value".')
        if name not in declared:
            raise ConfigError(f'There is no parameter "{name}". {_nearest(name, declared)}')
        if name in values:
            raise ConfigError(f'The parameter "{name}" is given twice.')
        values[name] = _typed(name, value, declared[name].get("parameterType", "STRING"))
    return values


def require_all(declared: dict[str, dict[str, Any]], values: dict[str, Any]) -> None:
    """Check that no parameter lacks a value.

    Raises:
      ConfigError: naming those that do.
    """
    missing = [
        name
        for name, of in declared.items()
        if name not in values and "defaultValue" not in of and not of.get("isOptional")
    ]
    if missing:
        options = " ".join(f"--param {name}=..." for name in missing)
        raise ConfigError(f"The package has parameters without a default value: add {options}")


def _nearest(name: str, declared: dict[str, Any]) -> str:
    if not declared:
        return "The package has no parameters."
    nearest = difflib.get_close_matches(name, declared, n=1, cutoff=0)
    return f'Did you mean "{nearest[0]}"?'


def _typed(name: str, text: str, kind: str) -> Any:
    # A type that is not known here is the installation's to check.
    read, called = TYPES.get(kind, TYPES["STRING"])
    try:
        return read(text)
    except (ValueError, KeyError):
        raise ConfigError(f'The parameter "{name}" is {called}, not "{text}".') from None
