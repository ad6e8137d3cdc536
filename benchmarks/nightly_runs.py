#!/usr/bin/env python3
"""Measures the disk space of a pipeline that runs every night, with and without `prune`.

    python benchmarks/nightly_runs.py [--nights 30] [--images 240 120] [--work DIR] [--plot PNG]

Every night has new simulated data, so every step runs again. The pipeline runs into two output
folders. In one of them, `radio-signals prune --yes` follows with its default limits: it keeps the
artifacts of 10 runs and 5 model versions. The output is Markdown: MiB on disk after each night,
where files that are hard links of each other count once.

With --work, nights that have been measured are not repeated.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from data.simulation.dataset import simulate_dataset
from pipeline.history.prune import measure_freed_bytes

COMMAND = Path(sys.executable).with_name("radio-signals")
# The machinery is measured, not the models: each night's model is pushed.
OPTIONS = (
    "--epochs=2",
    "--set=thresholds.accuracy=0",
    "--set=thresholds.class_precision=0",
    "--set=thresholds.class_recall=0",
    "--set=thresholds.baseline_recall_margin=1",
)
WITHOUT, WITH = "without prune", "with prune"


def call(*arguments: object, accepted: tuple[int, ...] = (0,)) -> None:
    """Run a command; end this script with what it printed if it fails."""
    process = subprocess.run(
        [COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if process.returncode not in accepted:
        sys.exit(f"{arguments[0]} failed:\n{process.stdout}{process.stderr}")


def run_night(night: int, images: tuple[int, int], work: Path) -> dict[str, float]:
    """Run the pipeline on a night's data into both folders; return the MiB of each."""
    data = work / "data"
    simulate_dataset(data, *images, seed=night, overwrite=True)
    used = {}
    for name in (WITHOUT, WITH):
        output = work / name.replace(" ", "-")
        call("run", f"--data={data}", f"--output={output}", *OPTIONS, accepted=(0, 3))
        if name == WITH:
            call("prune", f"--output={output}", "--yes")
        # What would be free if all of it were removed.
        used[name] = measure_freed_bytes([output]) / 2**20
    return used


def draw(nights: list[dict[str, float]], file: Path) -> None:
    """Draw the MiB over the nights."""
    figure = Figure((6.4, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name in (WITHOUT, WITH):
        axes.plot(range(1, len(nights) + 1), [night[name] for night in nights], label=name)
    axes.set(xlabel="night", ylabel="MiB on disk", ylim=(0, None), title="simulated data")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=100)


def main() -> None:
    """Print a row after each night, and draw the plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=30, help="number of nights (30)")
    parser.add_argument(
        "--images",
        type=int,
        nargs=2,
        default=(240, 120),
        metavar=("TRAIN", "VALIDATION"),
        help="images of a night (240 120)",
    )
    parser.add_argument("--work", type=Path, help="folder for data and results, to continue later")
    parser.add_argument("--plot", type=Path, default=Path("nightly_runs.png"), help="(%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nightly-") as temporary:
        work = (arguments.work or Path(temporary)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        record = work / "nights.json"
        nights = json.loads(record.read_text()) if record.exists() else []
        print(f"| night | MiB {WITHOUT} | MiB {WITH} |\n|---:|---:|---:|")
        for number in range(1, arguments.nights + 1):
            if number > len(nights):
                nights.append(run_night(number, tuple(arguments.images), work))
                record.write_text(json.dumps(nights))
            used = nights[number - 1]
            print(f"| {number} | {used[WITHOUT]:.1f} | {used[WITH]:.1f} |", flush=True)
    draw(nights, arguments.plot)


if __name__ == "__main__":
    main()
