"""Converts parameters of a run from command-line text to the types that the package declares."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from pipeline.config.config import ConfigError


def _read_double(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _read_boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _make_json_reader(expected: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = json.loads(text)
        if not isinstance(value, expected):
            raise ValueError
        return value

    return read


# By type: the function that reads a value, and the description of such a value in messages.
TYPES: dict[str, tuple[Callable[[str], Any], str]] = {
    "NUMBER_INTEGER": (int, "a whole number"),
    "NUMBER_DOUBLE": (_read_double, "a number"),
    "STRING": (str, "a text"),
    "BOOLEAN": (_read_boolean, "true or false"),
    "LIST": (_make_json_reader(list), "a list in JSON, such as [1, 2]"),
    "STRUCT": (_make_json_reader(dict), 'an object in JSON, such as {"a": 1}'),
}


def parse_values(declared: dict[str, dict[str, Any]], options: Sequence[str]) -> dict[str, Any]:
    """Return the values of `--param` options by parameter name.

    Args:
      declared: the package's parameters by name; see `CompiledPackage`.
      options: texts NAME=VALUE.

    Raises:
      ConfigError: a parameter is unknown, given twice or of the wrong type.
    """
    values: dict[str, Any] = {}
    for text in options:
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
    """Check that every parameter has a value, its own or a default.

    Raises:
      ConfigError: parameters have none; the message names them.
    """
    missing = [
        name
        for name, parameter in declared.items()
        if name not in values
        and "defaultValue" not in parameter
        and not parameter.get("isOptional")
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
    # The installation checks the types that this module does not know.
    read, description = TYPES.get(kind, TYPES["STRING"])
    try:
        return read(text)
    except (ValueError, KeyError):
        raise ConfigError(f'The parameter "{name}" is {description}, not "{text}".') from None
