"""Cron expressions, from the ordinary five fields to the six of Kubeflow Pipelines."""

from __future__ import annotations

from pipeline.config.config import ConfigError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
# Each field's name, least and greatest value, and names of values.
_FIELDS = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    ("day of the week", 0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_EXAMPLE = 'Write minute, hour, day, month, weekday: "0 2 * * *" is two o\'clock every night.'


def kubeflow_cron(expression: str) -> str:
    """Return an ordinary cron expression as Kubeflow Pipelines reads it, seconds first.

    The installation would take five fields too, as seconds, minutes and so on: "0 2 * * *" would
    run at two minutes past every hour. So nothing but five fields passes, and they are checked
    here.

    Args:
      expression: minute, hour, day of the month, month, day of the week.

    Raises:
      ConfigError: it is something else; the message names the field.
    """
    fields = expression.split()
    if len(fields) == len(_FIELDS) + 1:
        raise ConfigError(
            f'--cron "{expression}" has six fields. Leave out the first, the seconds: '
            f'"{" ".join(fields[1:])}".'
        )
    if len(fields) != len(_FIELDS):
        raise ConfigError(f'--cron "{expression}" has not five fields. {_EXAMPLE}')
    for field, (name, least, greatest, names) in zip(fields, _FIELDS, strict=True):
        for part in field.split(","):
            problem = _problem(part, least, greatest, names)
            if problem:
                raise ConfigError(f'--cron "{expression}", {name}: {problem}.')
    return " ".join(("0", *fields))


def _problem(part: str, least: int, greatest: int, names: dict[str, int]) -> str:
    """Return what is wrong with one part of a field, nothing if it is right."""
    values, slash, step = part.partition("/")
    if slash and not (_is_number(step) and int(step) > 0):
        return f'the step "{step}" is not a whole number above 0'
    if values in ("*", "?"):
        return ""
    bounds = values.split("-")
    if len(bounds) > 2:
        return f'"{values}" is not a range of two values'
    numbers = []
    for bound in bounds:
        number = names.get(bound.lower(), int(bound) if _is_number(bound) else None)
        if number is None:
            return f'"{bound}" is not a number' + (
                f" or one of {', '.join(names)}" if names else ""
            )
        if not least <= number <= greatest:
            sunday = "; Sunday is 0" if number == 7 and greatest == 6 else ""
            return f"{bound} is not between {least} and {greatest}{sunday}"
        numbers.append(number)
    return f'"{values}" runs backwards' if numbers != sorted(numbers) else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
