#!/usr/bin/env python3
"""Measures how time and memory of a whole run grow with the data, step by step.

    python benchmarks/scaling.py [--times 1 3 10] [--images 3200 800] [--epochs 12] [--work DIR]

Simulated data sets of one, three and ten times the images go through the whole pipeline, each into
a new output folder. The memory of a step is the most that the run and its child processes hold
together meanwhile, sampled ten times a second; shared pages count once for each process. An
exponent of 1 says that time grows as the data do, and 0 that it does not grow.

The last lines say which data set fits into --memory GiB and --hours, by straight lines.

The runs follow one another. Their times are only meaningful if the machine does nothing else. The
output is Markdown. With --work, data and runs that are there are not made again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from data.simulation.dataset import simulate_dataset

COMMAND = Path(sys.executable).with_name("radio-signals")
SECONDS_BETWEEN_SAMPLES = 0.1
WHOLE_RUN = "whole run"


def sample_memory(process: subprocess.Popen[str], samples: list[tuple[float, float]]) -> None:
    """Append the time and the MiB of a process and its children until it ends."""
    root = psutil.Process(process.pid)
    while process.poll() is None:
        # A process may end while it is asked.
        with contextlib.suppress(psutil.NoSuchProcess):
            used = sum(each.memory_info().rss for each in (root, *root.children(recursive=True)))
            samples.append((time.time(), used / 2**20))
        time.sleep(SECONDS_BETWEEN_SAMPLES)


def measure_run(data: Path, output: Path, epochs: int) -> dict[str, dict[str, float]]:
    """Run the pipeline; return seconds and MiB of each step and of the whole run."""
    command = [COMMAND, "run", "--data", data, "--output", output, "--epochs", epochs]
    started = time.time()
    process = subprocess.Popen(
        [*map(str, command), "--log-format", "json"], stdout=subprocess.PIPE, text=True
    )
    samples: list[tuple[float, float]] = []
    sampler = threading.Thread(target=sample_memory, args=(process, samples))
    sampler.start()
    ends: list[tuple[str, float, float]] = []
    assert process.stdout is not None
    for line in process.stdout:
        entry: dict[str, Any] = json.loads(line)
        if "seconds" in entry:
            ends.append((entry["step"], entry["seconds"], time.time()))
    if process.wait() not in (0, 3):
        sys.exit(f"{output}: the run failed with status {process.returncode}")
    sampler.join()
    steps, begin = {}, started
    for step, seconds, end in ends:
        used = [memory for at, memory in samples if begin <= at <= end]
        steps[step] = {"seconds": seconds, "memory": max(used, default=0.0)}
        begin = end
    whole = {"seconds": time.time() - started, "memory": max(memory for _, memory in samples)}
    return {**steps, WHOLE_RUN: whole}


def measure(times: int, arguments: argparse.Namespace, work: Path) -> dict[str, dict[str, float]]:
    """Return what `measure_run` measured with that many times the data."""
    record = work / f"{times}.json"
    if not record.exists():
        train, validation = (count * times for count in arguments.images)
        data = work / f"data-{times}"
        if not (data / "SIMULATED.json").exists():
            simulate_dataset(data, train, validation)
        with tempfile.TemporaryDirectory(dir=work) as output:
            measured = measure_run(data, Path(output), arguments.epochs)
        record.write_text(json.dumps(measured))
    return json.loads(record.read_text())


def fit_exponent(times: list[int], seconds: list[float]) -> float:
    """Return the slope of the logarithm of the seconds over the logarithm of the data."""
    return float(np.polyfit(np.log(times), np.log(np.maximum(seconds, 0.05)), 1)[0])


def print_table(times: list[int], runs: list[dict[str, dict[str, float]]]) -> None:
    """Print seconds and MiB of each step, and the exponents of the seconds."""
    headings = [f"{count}x, {unit}" for unit in ("s", "MiB") for count in times]
    print(f"| step | {' | '.join(headings)} | exponent of time |")
    print(f"|---|{'---:|' * (len(headings) + 1)}")
    for step in runs[-1]:
        seconds = [run[step]["seconds"] for run in runs]
        cells = [f"{value:.1f}" for value in seconds]
        cells += [f"{run[step]['memory']:,.0f}" for run in runs]
        print(f"| {step} | {' | '.join(cells)} | {fit_exponent(times, seconds):.2f} |")


def print_limits(
    times: list[int], runs: list[dict[str, dict[str, float]]], arguments: argparse.Namespace
) -> None:
    """Print how many images fit into the memory and into the hours, by straight lines."""
    images = [count * sum(arguments.images) for count in times]
    for key, limit, unit in (
        ("memory", arguments.memory * 1024, "MiB"),
        ("seconds", arguments.hours * 3600, "s"),
    ):
        slope, base = np.polyfit(images, [run[WHOLE_RUN][key] for run in runs], 1)
        most = math.inf if slope <= 0 else (limit - base) / slope
        print(f"\n{key}: {base:,.1f} {unit} + {slope:.2g} {unit} an image; ", end="")
        print(f"{limit:,.0f} {unit} are enough for {most:,.0f} images")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, nargs="+", default=[1, 3, 10], help="(1 3 10)")
    parser.add_argument(
        "--images",
        type=int,
        nargs=2,
        default=(3200, 800),
        metavar=("TRAIN", "VALIDATION"),
        help="images of the smallest set (3200 800)",
    )
    parser.add_argument("--epochs", type=int, default=12, help="(%(default)s)")
    parser.add_argument("--memory", type=float, default=24, help="GiB (%(default)s)")
    parser.add_argument("--hours", type=float, default=24, help="(%(default)s)")
    parser.add_argument("--work", type=Path, help="folder for data and results, to continue later")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scaling-") as temporary:
        work = (arguments.work or Path(temporary)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        runs = [measure(count, arguments, work) for count in arguments.times]
    print_table(arguments.times, runs)
    print_limits(arguments.times, runs, arguments)


if __name__ == "__main__":
    main()
