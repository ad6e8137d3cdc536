#!/usr/bin/env python3
"""Whole runs of the pipeline over several seeds, beside the script that a user would run instead.

    python benchmarks/training.py DATA [--models compact reference] [--seeds 0 1 2]
                                       [--baseline SCRIPT] [--baseline-seeds 0] [--work DIR]

Each run gets a fresh output folder, so nothing comes from a cache, and everything counts: imports,
all steps, the report. `compact` trains as long as it does by default, `reference` as long as the
script, unless --epochs says otherwise. SCRIPT, if given, is called as `SCRIPT DATA --epochs N
--seed S --json OUT` with this interpreter and must write `accuracy`, `train_images_per_s` and
`total_s` to OUT. All run one after another; on a machine that does something else meanwhile the
speeds mean nothing. Prints Markdown: a line a run, then means and worst over the seeds, and the
ratios to the script. Finished runs in --work are not repeated.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

COMMAND = Path(sys.executable).with_name("radio-signals")
BASELINE_EPOCHS = 12
HEADINGS = (
    "",
    "seed",
    "accuracy",
    "lowest precision",
    "lowest recall",
    "training images/s",
    "whole run, s",
)


@dataclass(frozen=True)
class Result:
    """What came of a run; `seconds` are wall-clock seconds of the whole process."""

    name: str
    seed: int
    accuracy: float
    lowest_precision: float | None
    lowest_recall: float | None
    images_per_second: float
    seconds: float


def timed(arguments: Sequence) -> float:
    """Run a command and return its seconds; its output goes to standard error."""
    started = time.perf_counter()
    status = subprocess.run([str(part) for part in arguments], stdout=sys.stderr).returncode
    # 3 is a finished run whose model missed a threshold.
    if status not in (0, 3):
        sys.exit(f"{arguments[0]} ended with status {status}")
    return time.perf_counter() - started


def pipeline_run(data: Path, model: str, seed: int, epochs: int | None, work: Path) -> Result:
    """Run the pipeline once."""
    output = work / f"{model}-{seed}"
    options = {"data": data, "output": output, "model": model, "seed": seed}
    if epochs:
        options["epochs"] = epochs
    seconds = timed([COMMAND, "run", *(f"--{name}={value}" for name, value in options.items())])
    metrics = json.loads((output / "latest" / "metrics.json").read_text())
    classes = metrics["classes"].values()
    listed = ", ".join(f"{step} {took:.1f}" for step, took in metrics["seconds"].items())
    print(f"seconds by step, {model}, seed {seed}: {listed}", file=sys.stderr)
    return Result(
        f"`{model}`",
        seed,
        metrics["accuracy"],
        min(figures["precision"] for figures in classes),
        min(figures["recall"] for figures in classes),
        metrics["training"]["images_per_second"],
        seconds,
    )


def baseline_run(script: Path, data: Path, seed: int, work: Path) -> Result:
    """Run the script once."""
    out = work / f"baseline-{seed}.json"
    seconds = timed(
        [sys.executable, script, data, "--epochs", BASELINE_EPOCHS, "--seed", seed, "--json", out]
    )
    figures = json.loads(out.read_text())
    speed = figures["train_images_per_s"]
    return Result(script.stem, seed, figures["accuracy"], None, None, speed, seconds)


def once(file: Path, run) -> Result:
    """Return the result in `file`, or that of `run()`, which is then kept there."""
    if file.exists():
        return Result(**json.loads(file.read_text()))
    result = run()
    file.write_text(json.dumps(asdict(result)))
    return result


def show(name: str, seed: str, shares: Sequence[float | None], speed: float, took: float) -> str:
    """Return a line of the table."""
    cells = [name, seed, *("" if share is None else f"{share:.4f}" for share in shares)]
    return "| " + " | ".join([*cells, f"{speed:.0f}", f"{took:.0f}"]) + " |"


def summary(results: Sequence[Result]) -> list[str]:
    """Return the lines of one model or script: each seed, then the mean and the worst."""
    rows = [
        (
            (result.accuracy, result.lowest_precision, result.lowest_recall),
            result.images_per_second,
            result.seconds,
        )
        for result in results
    ]
    name = results[0].name
    lines = [show(name, str(result.seed), *row) for result, row in zip(results, rows, strict=True)]
    if len(rows) > 1:
        columns = list(zip(*(shares for shares, _, _ in rows), strict=True))
        speeds, times = [row[1] for row in rows], [row[2] for row in rows]
        mean = [None if None in column else sum(column) / len(column) for column in columns]
        worst = [None if None in column else min(column) for column in columns]
        lines.append(show(name, "mean", mean, sum(speeds) / len(speeds), sum(times) / len(times)))
        lines.append(show(name, "worst", worst, min(speeds), max(times)))
    return lines


def ratios(results: Sequence[Result], baseline: Sequence[Result]) -> str:
    """Return a sentence on how a model compares with the script, by means over the seeds."""

    def mean(of: Sequence[Result], figure: str) -> float:
        return sum(getattr(result, figure) for result in of) / len(of)

    speed = mean(results, "images_per_second") / mean(baseline, "images_per_second")
    took = mean(results, "seconds") / mean(baseline, "seconds")
    better = mean(results, "accuracy") - mean(baseline, "accuracy")
    return (
        f"{results[0].name}: {speed:.2f} times the script's images/s, whole run {took:.2f} of its "
        f"time, accuracy {better:+.4f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=["compact", "reference"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--baseline-seeds", nargs="+", type=int)
    parser.add_argument("--work", type=Path)
    arguments = parser.parse_args()
    work = arguments.work or Path(tempfile.mkdtemp(prefix="training-"))
    work.mkdir(parents=True, exist_ok=True)
    data, epochs = arguments.data, arguments.epochs

    groups: list[list[Result]] = []
    for model in arguments.models:
        length = epochs or (BASELINE_EPOCHS if model == "reference" else None)
        groups.append(
            [
                once(
                    work / f"{model}-{seed}.json",
                    lambda model=model, seed=seed, length=length: pipeline_run(
                        data, model, seed, length, work
                    ),
                )
                for seed in arguments.seeds
            ]
        )
    baseline = [
        once(
            work / f"script-{seed}.json",
            lambda seed=seed: baseline_run(arguments.baseline, data, seed, work),
        )
        for seed in (arguments.baseline_seeds or arguments.seeds)
        if arguments.baseline
    ]
    print("| " + " | ".join(HEADINGS) + " |")
    print("|---|" + "---:|" * (len(HEADINGS) - 1))
    for results in [*groups, baseline]:
        if results:
            print("\n".join(summary(results)))
    if baseline:
        print()
        for results in groups:
            print(f"* {ratios(results, baseline)}")


if __name__ == "__main__":
    main()
