"""Translates cron expressions of five fields into the six fields of Kubeflow Pipelines.

Kubeflow Pipelines reads them with the Go library robfig/cron, version 1. Python's cronsim reads
another dialect, that of Debian: it accepts "7" for Sunday, "L" and "mon#1", which the installation
refuses, and refuses "?", which the installation accepts. This module checks the fields itself.
"""

from __future__ import annotations

from pipeline.config.config import ConfigError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
# Name of each field, its lowest and its highest value, and numbers by the names of values.
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    ("day of the week", 0, 6, {name: number for number, name in enumerate(_WEEKDAYS)}),
)
_EXAMPLE = 'Write minute, hour, day, month, weekday: "0 2 * * *" is two o\'clock every night.'


def convert_cron(expression: str) -> str:
    """Return a cron expression of five fields as Kubeflow Pipelines reads it, seconds first.

    The installation would accept five fields as well, but as seconds, minutes and so on: it would
    run "0 2 * * *" at two minutes past every hour.

    Args:
      expression: minute, hour, day of the month, month, day of the week.

    Raises:
      ConfigError: the expression is wrong; the message names the field.
    """
    fields = expression.split()
    if len(fields) == len(_FIELDS) + 1:
        raise ConfigError(
            f'--cron "{expression}" has six fields. Leave out the first, the seconds: '
            f'"{" ".join(fields[1:])}".'
        )
    if len(fields) != len(_FIELDS):
        raise ConfigError(f'--cron "{expression}" does not have five fields. {_EXAMPLE}')
    for field, (name, lowest, highest, numbers) in zip(fields, _FIELDS, strict=True):
        for item in field.split(","):
            problem = _find_problem(item, lowest, highest, numbers)
            if problem:
                raise ConfigError(f'--cron "{expression}", {name}: {problem}.')
    return " ".join(("0", *fields))


def _find_problem(item: str, lowest: int, highest: int, numbers: dict[str, int]) -> str:
    """Return what is wrong with one item of a field's list; empty if nothing is.

    An item is a value, a range or a star, and perhaps a step.
    """
    values, slash, step = item.partition("/")
    if slash and not (_is_number(step) and int(step) > 0):
        return f'the step "{step}" is not a whole number above 0'
    if values in ("*", "?"):
        return ""
    texts = values.split("-")
    if len(texts) > 2:
        return f'"{values}" is not a range of two values'
    bounds = []
    for text in texts:
        bound = numbers.get(text.lower(), int(text) if _is_number(text) else None)
        if bound is None:
            names = f" or one of {', '.join(numbers)}" if numbers else ""
            return f'"{text}" is not a number{names}'
        if not lowest <= bound <= highest:
            sunday = "; Sunday is 0" if bound == 7 and highest == 6 else ""
            return f"{text} is not between {lowest} and {highest}{sunday}"
        bounds.append(bound)
    return f'"{values}" runs backwards' if bounds != sorted(bounds) else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
