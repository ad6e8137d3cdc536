"""Differences between two runs, from the contents of their metrics.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.evaluator.metric_names import CLASS_METRICS

NOTHING = "-"
"""Shown in place of a value that a run does not have."""


def compare_metrics(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[float | None, float | None]]]:
    """Yield the name of each metric with its values in two contents of metrics.json."""
    for name in ("accuracy", "balanced_accuracy"):
        yield name.replace("_", " "), (first.get(name), second.get(name))
    # The classes of the first run in their order, then those that only the second run has.
    for name in dict.fromkeys([*first["classes"], *second["classes"]]):
        by_run = [run["classes"].get(name, {}) for run in (first, second)]
        for metric in CLASS_METRICS:
            values = (by_run[0].get(metric), by_run[1].get(metric))
            yield f"{name} {metric.replace('_', ' ')}", values


def compare_provenance(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield name and values of each difference in data, code, versions and settings."""
    provenance = [_list_provenance(first), _list_provenance(second)]
    for name in dict.fromkeys([*provenance[0], *provenance[1]]):
        values = (provenance[0].get(name, NOTHING), provenance[1].get(name, NOTHING))
        if values[0] != values[1]:
            yield name, values


def _list_provenance(metrics: Mapping[str, Any]) -> dict[str, Any]:
    # Older reports lack some of it. The description of the data replaces the setting `data`.
    settings = dict(metrics.get("configuration", {}))
    settings.pop("data", None)
    return {
        "data": metrics["data"],
        "data fingerprint": metrics["data_fingerprint"],
        "code": metrics.get("code", NOTHING),
        **metrics.get("versions", {}),
        **settings,
    }
