#!/usr/bin/env python3
"""Run the whole pipeline with several seeds, and compare it with the tutorial as a plain script.

    python benchmarks/training.py DATA [--models compact reference] [--seeds 0 1 2]
                                       [--baseline [SCRIPT]] [--baseline-seeds 0] [--work DIR]

Every run starts in a new output folder, so nothing comes from the cache. The seconds are those of
the whole process: imports, all steps and the report. `compact` trains for its default number of
epochs and `reference` for as many as the script, unless --epochs sets another number.

--baseline adds the script benchmarks/notebook_baseline.py, or SCRIPT. It is called with this
interpreter as `SCRIPT DATA --epochs N --seed S --json OUT`, and must write `accuracy` and
`train_images_per_s` to OUT as JSON.

The runs follow one another. Their speeds are only meaningful if the machine does nothing else. The
output is Markdown: one row per run, the mean and the worst over the seeds, and the ratios to the
script. A run whose result is already in --work is not repeated.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

COMMAND = Path(sys.executable).with_name("radio-signals")
BASELINE = Path(__file__).with_name("notebook_baseline.py")
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
    """The metrics of one run; `seconds` are wall-clock seconds of the whole process."""

    name: str
    seed: int
    accuracy: float
    lowest_precision: float | None
    lowest_recall: float | None
    images_per_second: float
    seconds: float


def time_command(arguments: Sequence[object]) -> float:
    """Run a command and return the seconds that it took; its output goes to standard error."""
    started = time.perf_counter()
    words = [str(argument) for argument in arguments]
    status = subprocess.run(words, stdout=sys.stderr, check=False).returncode
    # 3 means that the run completed and its model missed a threshold.
    if status not in (0, 3):
        sys.exit(f"{arguments[0]} ended with status {status}")
    return time.perf_counter() - started


def run_pipeline(data: Path, model: str, seed: int, epochs: int | None, work: Path) -> Result:
    """Run the pipeline once."""
    output = work / f"{model}-{seed}"
    options = {"data": data, "output": output, "model": model, "seed": seed}
    if epochs:
        options["epochs"] = epochs
    command = [COMMAND, "run", *(f"--{name}={value}" for name, value in options.items())]
    seconds = time_command(command)
    metrics = json.loads((output / "latest" / "metrics.json").read_text())
    classes = metrics["classes"].values()
    by_step = ", ".join(f"{step} {took:.1f}" for step, took in metrics["seconds"].items())
    print(f"seconds by step, {model}, seed {seed}: {by_step}", file=sys.stderr)
    return Result(
        f"`{model}`",
        seed,
        metrics["accuracy"],
        min(metrics_of_class["precision"] for metrics_of_class in classes),
        min(metrics_of_class["recall"] for metrics_of_class in classes),
        metrics["training"]["images_per_second"],
        seconds,
    )


def run_baseline(script: Path, data: Path, seed: int, work: Path) -> Result:
    """Run the script once."""
    out = work / f"baseline-{seed}.json"
    options = ["--epochs", BASELINE_EPOCHS, "--seed", seed, "--json", out]
    seconds = time_command([sys.executable, script, data, *options])
    metrics = json.loads(out.read_text())
    speed = metrics["train_images_per_s"]
    return Result(script.stem, seed, metrics["accuracy"], None, None, speed, seconds)


def run_once(file: Path, run: Callable[[], Result]) -> Result:
    """Return the result stored in `file`; without that file, call `run` and store its result."""
    if file.exists():
        return Result(**json.loads(file.read_text()))
    result = run()
    file.write_text(json.dumps(asdict(result)))
    return result


def format_row(
    name: str, seed: str, fractions: Sequence[float | None], speed: float, seconds: float
) -> str:
    """Return one row of the table."""
    cells = ["" if fraction is None else f"{fraction:.4f}" for fraction in fractions]
    return "| " + " | ".join([name, seed, *cells, f"{speed:.0f}", f"{seconds:.0f}"]) + " |"


def summarise(results: Sequence[Result]) -> list[str]:
    """Return the rows of one model or script: every seed, then the mean and the worst."""
    fractions = [
        (result.accuracy, result.lowest_precision, result.lowest_recall) for result in results
    ]
    speeds = [result.images_per_second for result in results]
    seconds = [result.seconds for result in results]
    name = results[0].name
    rows = [
        format_row(name, str(result.seed), *values)
        for result, *values in zip(results, fractions, speeds, seconds, strict=True)
    ]
    if len(results) > 1:
        columns = list(zip(*fractions, strict=True))
        mean = [None if None in column else sum(column) / len(column) for column in columns]
        worst = [None if None in column else min(column) for column in columns]
        mean_speed, mean_seconds = sum(speeds) / len(speeds), sum(seconds) / len(seconds)
        rows.append(format_row(name, "mean", mean, mean_speed, mean_seconds))
        rows.append(format_row(name, "worst", worst, min(speeds), max(seconds)))
    return rows


def compare(results: Sequence[Result], baseline: Sequence[Result]) -> str:
    """Return a sentence that compares the means of a model with those of the script."""

    def mean(runs: Sequence[Result], metric: str) -> float:
        return sum(getattr(run, metric) for run in runs) / len(runs)

    speed = mean(results, "images_per_second") / mean(baseline, "images_per_second")
    seconds = mean(results, "seconds") / mean(baseline, "seconds")
    gain = mean(results, "accuracy") - mean(baseline, "accuracy")
    return (
        f"{results[0].name}: {speed:.2f} times the script's images/s, whole run {seconds:.2f} of "
        f"its time, accuracy {gain:+.4f}"
    )


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="*", default=["compact", "reference"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--baseline", type=Path, nargs="?", const=BASELINE, metavar="SCRIPT")
    parser.add_argument("--baseline-seeds", nargs="+", type=int)
    parser.add_argument("--work", type=Path)
    return parser.parse_args()


def main() -> None:
    """Run everything and print the table."""
    arguments = parse_arguments()
    work = arguments.work or Path(tempfile.mkdtemp(prefix="training-"))
    work.mkdir(parents=True, exist_ok=True)
    data, script = arguments.data, arguments.baseline

    groups: list[list[Result]] = []
    for model in arguments.models:
        epochs = arguments.epochs or (BASELINE_EPOCHS if model == "reference" else None)
        groups.append([])
        for seed in arguments.seeds:
            run = partial(run_pipeline, data, model, seed, epochs, work)
            groups[-1].append(run_once(work / f"{model}-{seed}.json", run))
    baseline: list[Result] = []
    for seed in (arguments.baseline_seeds or arguments.seeds) if script else ():
        run = partial(run_baseline, script, data, seed, work)
        baseline.append(run_once(work / f"script-{seed}.json", run))

    print("| " + " | ".join(HEADINGS) + " |")
    print("|---|" + "---:|" * (len(HEADINGS) - 1))
    for results in [*groups, baseline]:
        if results:
            print("\n".join(summarise(results)))
    if baseline:
        print()
        for results in groups:
            print(f"* {compare(results, baseline)}")


if __name__ == "__main__":
    main()
