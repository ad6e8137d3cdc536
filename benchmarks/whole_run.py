#!/usr/bin/env python3
"""Whole runs of the pipeline, beside the script that a user would run instead.

    python benchmarks/whole_run.py DATA [--models compact reference] [--epochs 12]
                                        [--baseline SCRIPT] [--work DIR]

Each model gets a fresh output folder, so nothing comes from a cache, and everything counts:
imports, all steps, the report. SCRIPT, if given, is called as `SCRIPT DATA --epochs N --json OUT`
with this interpreter and must write `accuracy` and `train_images_per_s` to OUT. All run one after
another; on a machine that does something else meanwhile the figures mean nothing. Prints a Markdown
table, then the seconds of each step.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = Path(sys.executable).with_name("radio-signals")
HEADINGS = (
    "",
    "accuracy",
    "lowest precision",
    "lowest recall",
    "training images/s",
    "whole run, s",
)


def timed(arguments: list) -> float:
    started = time.perf_counter()
    status = subprocess.run([str(part) for part in arguments], stdout=sys.stderr).returncode
    # 3 is a finished run whose model missed a threshold.
    if status not in (0, 3):
        sys.exit(f"{arguments[0]} ended with status {status}")
    return time.perf_counter() - started


def pipeline_run(data: Path, model: str, epochs: int, work: Path) -> tuple[tuple, dict[str, float]]:
    """Return a row of the table and the seconds by step."""
    options = {"data": data, "output": work / model, "model": model, "epochs": epochs}
    seconds = timed([COMMAND, "run", *(f"--{name}={value}" for name, value in options.items())])
    metrics = json.loads((work / model / "latest" / "metrics.json").read_text())
    classes = metrics["classes"].values()
    row = (
        f"`{model}`",
        metrics["accuracy"],
        min(figures["precision"] for figures in classes),
        min(figures["recall"] for figures in classes),
        metrics["training"]["images_per_second"],
        seconds,
    )
    return row, metrics["seconds"]


def baseline_run(script: Path, data: Path, epochs: int, work: Path) -> tuple:
    """Return the script's row of the table."""
    out = work / "baseline.json"
    seconds = timed([sys.executable, script, data, "--epochs", epochs, "--json", out])
    figures = json.loads(out.read_text())
    speed = figures["train_images_per_s"]
    return (script.stem, figures["accuracy"], None, None, speed, seconds)


def show(row: tuple) -> str:
    name, *shares, speed, seconds = row
    cells = [name, *("" if share is None else f"{share:.4f}" for share in shares)]
    return "| " + " | ".join([*cells, f"{speed:.0f}", f"{seconds:.0f}"]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=["compact", "reference"])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--work", type=Path)
    arguments = parser.parse_args()
    work = arguments.work or Path(tempfile.mkdtemp(prefix="whole-run-"))
    work.mkdir(parents=True, exist_ok=True)

    runs = [
        pipeline_run(arguments.data, model, arguments.epochs, work) for model in arguments.models
    ]
    rows = [row for row, _ in runs]
    if arguments.baseline:
        rows.append(baseline_run(arguments.baseline, arguments.data, arguments.epochs, work))
    print("| " + " | ".join(HEADINGS) + " |")
    print("|---|" + "---:|" * (len(HEADINGS) - 1))
    for row in rows:
        print(show(row))
    for (name, *_), steps in runs:
        listed = ", ".join(f"{step} {seconds:.1f}" for step, seconds in steps.items())
        print(f"\nSeconds by step, {name}: {listed}")


if __name__ == "__main__":
    main()
