"""Finds what may be a secret in names, options and addresses, and hides it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.config.config import Config

HIDDEN = "(hidden)"
"""What is shown in place of a secret."""

_SECRET = re.compile(
    r"(access|api|auth|secret)?(key|token)s?|authorization|credentials?|pass(phrase|wd|words?)?|pwd"
    r"|secrets?"
)
# A name with one of these words names a file, or a key that a cloud keeps.
_NO_SECRET = frozenset(("dir", "file", "kms", "name", "path"))
_FILES = ("GOOGLE_APPLICATION_CREDENTIALS", "PWD")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

# A name inside a longer text, with what leads to its value: NAME=, NAME: or "NAME": "
_NAME = re.compile(r"""(?P<name>[A-Za-z][\w.-]*)[\\"']*\s*[=:]\s*[\\"']*""")
# In quotes up to the quote, else up to a separator.
_VALUE = re.compile(r"""(?<=["'])[^\\"']*|[^\\\s"',;&}]*""")
# User and password of an address.
_USER = re.compile(r"""(?<=://)[^/?#\s"']+(?=@)""")


def is_secret_name(name: str) -> bool:
    """Return whether the value of a variable or option may be a secret, as its name says.

    The words of the name count, whether `_`, `-`, `.` or capitals divide them: DB_PASSWORD,
    --s3-access-key and accountKey may hold secrets, MONKEY and TOKEN_FILE do not.
    """
    words = {word.lower() for word in _WORD.findall(name)}
    is_secret = any(map(_SECRET.fullmatch, words))
    return is_secret and not words & _NO_SECRET and name not in _FILES


def hide_secrets(text: str) -> str:
    """Return a text without the users in addresses and the values of names of secrets."""
    text = _USER.sub(HIDDEN, text)
    parts, end = [], 0
    for match in _NAME.finditer(text):
        if match.start() >= end and is_secret_name(match["name"]):
            parts += [text[end : match.end()], HIDDEN]
            value = _VALUE.match(text, match.end())
            end = value.end() if value else match.end()
    return "".join([*parts, text[end:]])


def hide_secret_options(args: Sequence[str]) -> list[str]:
    """Return the options of a command line without secrets, as many as there are.

    Args:
      args: `--name=value`, or `--name` and then the value.
    """
    shown: list[str] = []
    is_value = False
    for arg in args:
        name, equals, _ = arg.partition("=")
        is_option = arg.startswith("-")
        is_secret = is_option and is_secret_name(name)
        if is_value and not is_option:
            shown.append(HIDDEN)
        elif is_secret and equals:
            shown.append(f"{name}={HIDDEN}")
        else:
            shown.append(hide_secrets(arg))
        is_value = is_secret and not equals
    return shown


def hide_environment(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without the values of environment variables, whatever their names are.

    Args:
      settings: configuration keys and values, nested.
    """
    kubeflow = settings.get("kubeflow", {})
    if "env" not in kubeflow:
        return dict(settings)
    return {**settings, "kubeflow": {**kubeflow, "env": dict.fromkeys(kubeflow["env"], HIDDEN)}}


def dump_without_secrets(config: Config) -> dict[str, Any]:
    """Return a configuration as JSON values that may be stored and shown.

    Names of Kubernetes secrets stay.
    """
    shown = hide_environment(config.model_dump(mode="json"))
    return {**shown, "beam": {"args": hide_secret_options(config.beam.args)}}
