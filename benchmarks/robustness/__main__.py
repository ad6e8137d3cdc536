"""What an exported model makes of spectrograms unlike those that it was trained on.

    python -m benchmarks.robustness MODEL_DIR --output DIR [--images 400] [--seed 40001]

MODEL_DIR is a version under the serving folder. Test images are simulated for it, as the presets
draw them and under every condition of `conditions.py`; strong and faint signals and straight and
curved lines are counted one by one. DIR gets robustness.md and robustness.json, strength.png and
curvature.png, and conditions.png, a spectrogram under each condition; the Markdown is printed too.
docs/robustness.md says what each condition is.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.robustness.measure import SAGITTAS, STRENGTHS, Benchmark
from benchmarks.robustness.model import ServedModel
from benchmarks.robustness.plots import conditions_figure, curvature_figure, strength_figure
from benchmarks.robustness.tables import conditions_table, shares_table
from data.simulation.classes import check_classes
from data.simulation.presets import PRESETS


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, metavar="MODEL_DIR")
    parser.add_argument("--output", type=Path, required=True, help="folder for tables and plots")
    parser.add_argument("--images", type=int, default=400, help="images a condition (400)")
    parser.add_argument("--seed", type=int, default=40_001, help="of the test images (40001)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="that simulate")
    arguments = parser.parse_args()
    # TensorFlow tells what processor it found.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        model = ServedModel(arguments.model)
        check_classes(model.classes)
    except ValueError as error:
        sys.exit(str(error))
    images_a_class = max(1, arguments.images // len(model.classes))

    started = time.perf_counter()
    # Not fork: TensorFlow's threads are running, which a fork would break.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, context) as pool:
        run = partial(pool.map, chunksize=16)
        benchmark = Benchmark(model, images_a_class, arguments.seed, run)
        measured = measure(benchmark)
        pictures = benchmark.examples()
    arguments.output.mkdir(parents=True, exist_ok=True)
    text = markdown(measured)
    (arguments.output / "robustness.md").write_text(text)
    (arguments.output / "robustness.json").write_text(json.dumps(measured, indent=2) + "\n")
    figures = {
        "conditions": conditions_figure(pictures),
        "strength": strength_figure(STRENGTHS, measured["strength"], images_a_class),
    }
    if "curvature" in measured:
        figures["curvature"] = curvature_figure(
            SAGITTAS, **measured["curvature"], images=images_a_class
        )
    for name, figure in figures.items():
        figure.savefig(arguments.output / f"{name}.png", dpi=100)
    print(text)
    print(f"{time.perf_counter() - started:.0f} s; written to {arguments.output}", file=sys.stderr)


def measure(benchmark: Benchmark) -> dict[str, Any]:
    """Return every figure, by what it is of."""
    classes = benchmark.model.classes
    measured: dict[str, Any] = {
        "classes": classes,
        "images_a_class": benchmark.images_a_class,
        "seed": benchmark.seed,
        "conditions": {},
    }
    for name, preset in PRESETS.items():
        measured["conditions"][name] = benchmark.under_conditions(preset)
        print(f"preset {name} measured", file=sys.stderr)
    measured["strength"] = benchmark.by_strength()
    if {"narrowband", "narrowbanddrd"} <= set(classes):
        measured["curvature"] = benchmark.by_curvature()
    return measured


def markdown(measured: dict[str, Any]) -> str:
    """Return all tables."""
    each = measured["images_a_class"]
    parts = [f"{each} images a class in every row; simulator seed {measured['seed']}."]
    for name, rows in measured["conditions"].items():
        parts += [f"### Preset {name}", conditions_table(rows)]
    parts += [
        "### Recognised, by signal strength",
        shares_table("dB", STRENGTHS, measured["strength"]),
    ]
    if "curvature" in measured:
        curvature = measured["curvature"]
        parts += [
            "### What curved lines are taken for, by curvature",
            shares_table("sagitta, pixels", SAGITTAS, curvature["curves"]),
            f"Straight lines taken for straight: {curvature['straight']:.3f}.",
        ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
