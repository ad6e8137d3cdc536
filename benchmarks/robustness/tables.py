"""Formats the metrics as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def format_conditions(measured: list[dict[str, Any]]) -> str:
    """Return one row for each condition. The others are compared with the first."""
    unchanged = measured[0]["accuracy"]
    rows = []
    for row in measured:
        lowest, taken_for = row["lowest"], row["taken_for"]
        error = f"{lowest}, taken for {taken_for}" if taken_for else "none missed"
        change = "" if row is measured[0] else f"{100 * (row['accuracy'] - unchanged):+.1f}"
        rows.append(
            [
                row["condition"],
                f"{row['accuracy']:.4f}",
                change,
                f"{row['signal_accuracy']:.4f}",
                f"{row['recall'][lowest]:.3f}",
                error,
                f"{row['expected_calibration_error']:.3f}",
            ]
        )
    return _table(
        [
            "condition",
            "accuracy",
            "points",
            "signal accuracy",
            "lowest recall",
            "class",
            "calibration error",
        ],
        "lrrrrlr",
        rows,
    )


def format_fractions(axis: str, points: Sequence[float], fractions: dict[str, list[float]]) -> str:
    """Return one row for each point of a curve and one column for each class."""
    rows = [
        [f"{value:g}", *(f"{curve[number]:.3f}" for curve in fractions.values())]
        for number, value in enumerate(points)
    ]
    return _table([axis, *fractions], "r" * (len(fractions) + 1), rows)


def _table(heads: list[str], alignment: str, rows: list[list[str]]) -> str:
    marks = ["---:" if side == "r" else "---" for side in alignment]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, marks, *rows])
