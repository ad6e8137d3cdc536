"""Loads the configuration: a YAML file over the defaults, and the command line over both."""

from __future__ import annotations

import difflib
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.config.config import Config, ConfigError
from pipeline.config.keys import config_schema, describe, list_keys, list_properties, locate
from pipeline.config.secrets import hide_secrets
from trainer.config import merge, nest

# Keys whose values may be secrets, which no message shows.
_PRIVATE = (("beam", "args"), ("kubeflow", "env"), ("kubeflow", "secrets"))


def load_config(
    file: str | None = None, settings: tuple[str, ...] = (), options: dict[str, Any] | None = None
) -> Config:
    """Merge the layers into a checked configuration. Later layers win.

    In a file and in options, a key with dots means the same as the key within its section.

    Args:
      file: a YAML file, or None.
      settings: "key=value" strings, with dots in nested keys and values in YAML.
      options: options of the command line by key. None values are absent.

    Raises:
      ConfigError: a key is unknown or a value does not fit. The message names the key.
    """
    layers = [_read_yaml(file) if file else {}, *map(_parse_setting, settings), options or {}]
    values = merge(*(nest(str(key), value) for layer in layers for key, value in layer.items()))
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None


def _read_yaml(file: str) -> dict[str, Any]:
    try:
        with open(file, encoding="utf-8") as stream:
            content = yaml.safe_load(stream) or {}
    except FileNotFoundError:
        raise ConfigError(f"The configuration file {file} does not exist.") from None
    except OSError as error:
        raise ConfigError(f"The configuration file {file}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{file} must hold keys and values, for example: epochs: 20")
    return content


def _parse_setting(setting: str) -> dict[str, Any]:
    key, equals, text = setting.partition("=")
    if not equals:
        raise ConfigError(
            f'--set {hide_secrets(setting)}: write key=value, for example "epochs=20".'
        )
    try:
        # "key=" empties a string. YAML would call the value null, which means unset.
        return {key.strip(): yaml.safe_load(text) if text else ""}
    except yaml.YAMLError:
        raise ConfigError(f"--set {key.strip()}: the value is not YAML.") from None


def _explain(error: ValidationError) -> str:
    errors = error.errors()
    unknown = [each for each in errors if each["type"] == "extra_forbidden"]
    if unknown:
        return _explain_unknown_key(unknown[0]["loc"])
    first = errors[0]
    if first["type"] == "value_error":
        path, message = first["loc"], str(first["ctx"]["error"])
    else:
        schema, depth = locate(first["loc"])
        path, message = first["loc"][:depth], f"it must be {describe(schema)}"
    stop = "" if message.endswith("?") else "."
    is_private = any(path[: len(key)] == key[: len(path)] for key in _PRIVATE)
    received = "" if is_private else f" Received: {first['input']!r}."
    return f"{_join(path)}: {message}{stop}{received}"


def _explain_unknown_key(path: tuple[str | int, ...]) -> str:
    section, _ = locate(path[:-1])
    siblings = [_join((*path[:-1], name)) for name in list_properties(section)]
    keys = [*list_keys(), *list_properties(config_schema()), *siblings]
    (nearest,) = difflib.get_close_matches(_join(path), keys, n=1, cutoff=0)
    return f'There is no configuration key "{_join(path)}". Did you mean "{nearest}"?'


def _join(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))
