"""What two runs have in common and what not, by the contents of their metrics.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.evaluator.metric_names import FIGURES

NOTHING = "-"


def compared_figures(
    first: dict[str, Any], second: dict[str, Any]
) -> Iterator[tuple[str, tuple[float | None, float | None]]]:
    """Yield a figure's name and its values in two contents of metrics.json."""
    for name in ("accuracy", "balanced_accuracy"):
        yield name.replace("_", " "), (first.get(name), second.get(name))
    # In the first's order, then what only the second knows.
    for name in dict.fromkeys([*first["classes"], *second["classes"]]):
        for figure in FIGURES:
            values = tuple(of["classes"].get(name, {}).get(figure) for of in (first, second))
            yield f"{name} {figure.replace('_', ' ')}", values


def differing(
    first: dict[str, Any], second: dict[str, Any]
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield what two runs did not have in common: data, code, versions, settings."""
    flat = [_made_of(first), _made_of(second)]
    for name in dict.fromkeys([*flat[0], *flat[1]]):
        values = tuple(of.get(name, NOTHING) for of in flat)
        if values[0] != values[1]:
            yield name, values


def _made_of(metrics: dict[str, Any]) -> dict[str, Any]:
    # Reports of old did not tell all of it. That of the data says more than the setting does.
    of_configuration = dict(metrics.get("configuration", {}))
    of_configuration.pop("data", None)
    return {
        "data": metrics["data"],
        "data fingerprint": metrics["data_fingerprint"],
        "code": metrics.get("code", NOTHING),
        **metrics.get("versions", {}),
        **of_configuration,
    }
