"""The figures as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def conditions_table(measured: list[dict[str, Any]]) -> str:
    """One row a condition; the first is the one that the others are compared with."""
    unchanged = measured[0]["accuracy"]
    rows = []
    for row in measured:
        lowest, taken_for = row["lowest"], row["taken_for"]
        where = f"{lowest}, taken for {taken_for}" if taken_for else "none missed"
        change = "" if row is measured[0] else f"{100 * (row['accuracy'] - unchanged):+.1f}"
        rows.append(
            [
                row["condition"],
                f"{row['accuracy']:.4f}",
                change,
                f"{row['signal_accuracy']:.4f}",
                f"{row['recall'][lowest]:.3f}",
                where,
                f"{row['expected_calibration_error']:.3f}",
            ]
        )
    return _table(
        [
            "condition",
            "accuracy",
            "points",
            "of signals",
            "lowest recall",
            "of",
            "calibration error",
        ],
        "lrrrrlr",
        rows,
    )


def shares_table(axis: str, at: Sequence[float], shares: dict[str, list[float]]) -> str:
    """One row a point of a curve, one column a class."""
    rows = [
        [f"{value:g}", *(f"{of[number]:.3f}" for of in shares.values())]
        for number, value in enumerate(at)
    ]
    return _table([axis, *shares], "r" * (len(shares) + 1), rows)


def _table(heads: list[str], alignment: str, rows: list[list[str]]) -> str:
    marks = ["---:" if side == "r" else "---" for side in alignment]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, marks, *rows])
