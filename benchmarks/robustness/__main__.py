"""Measures an exported model on spectrograms that differ from its training data.

    python -m benchmarks.robustness MODEL_DIR --output DIR [--drifting] [--images 400] [--seed N]

MODEL_DIR is a version under the serving folder. The test images are simulated for each preset,
unchanged and under every condition of `conditions.py`. Further images measure recall by signal
strength and by the curvature of lines. The command prints the tables and writes them to
DIR/robustness.md. It also writes robustness.json, the plots strength.png and curvature.png, and
conditions.png with a spectrogram under each condition. docs/robustness.md describes the conditions.
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
from benchmarks.robustness.plots import draw_conditions, draw_curvature, draw_strength
from benchmarks.robustness.tables import format_conditions, format_fractions
from data.simulation.classes import check_classes
from data.simulation.presets import BASIC, HARD, let_drift


def main() -> None:
    """Measure the model, write tables and plots, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, metavar="MODEL_DIR")
    parser.add_argument("--output", type=Path, required=True, help="folder for tables and plots")
    parser.add_argument(
        "--drifting",
        action="store_true",
        help="lines drift by at least two pixels, as in presets crowded and mixed",
    )
    parser.add_argument("--images", type=int, default=400, help="images per condition (400)")
    parser.add_argument("--seed", type=int, default=40_001, help="seed of the test images (40001)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="processes that simulate images"
    )
    arguments = parser.parse_args()
    # TensorFlow logs the features of the processor.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        model = ServedModel(arguments.model)
        check_classes(model.classes)
    except ValueError as error:
        sys.exit(str(error))
    images_per_class = max(1, arguments.images // len(model.classes))

    started = time.perf_counter()
    # Not fork, which would break the running threads of TensorFlow.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, context) as pool:
        run = partial(pool.map, chunksize=16)
        presets = (let_drift(BASIC), let_drift(HARD)) if arguments.drifting else (BASIC, HARD)
        benchmark = Benchmark(model, images_per_class, arguments.seed, run, presets)
        measured = measure(benchmark)
        images = benchmark.render_conditions()
    arguments.output.mkdir(parents=True, exist_ok=True)
    text = format_markdown(measured)
    (arguments.output / "robustness.md").write_text(text)
    (arguments.output / "robustness.json").write_text(json.dumps(measured, indent=2) + "\n")
    plots = {
        "conditions": draw_conditions(images),
        "strength": draw_strength(STRENGTHS, measured["strength"], images_per_class),
    }
    if "curvature" in measured:
        plots["curvature"] = draw_curvature(
            SAGITTAS, **measured["curvature"], images=images_per_class
        )
    for name, plot in plots.items():
        plot.savefig(arguments.output / f"{name}.png", dpi=100)
    print(text)
    print(f"{time.perf_counter() - started:.0f} s; written to {arguments.output}", file=sys.stderr)


def measure(benchmark: Benchmark) -> dict[str, Any]:
    """Return all metrics, as JSON can hold them."""
    classes = benchmark.model.classes
    measured: dict[str, Any] = {
        "classes": classes,
        "images_a_class": benchmark.images_per_class,
        "seed": benchmark.seed,
        "conditions": {},
    }
    for preset in benchmark.presets:
        measured["conditions"][preset.name] = benchmark.measure_conditions(preset)
        print(f"preset {preset.name} measured", file=sys.stderr)
    measured["strength"] = benchmark.measure_strength()
    if {"narrowband", "narrowbanddrd"} <= set(classes):
        measured["curvature"] = benchmark.measure_curvature()
    return measured


def format_markdown(measured: dict[str, Any]) -> str:
    """Return all tables as Markdown."""
    count = measured["images_a_class"]
    sections = [f"{count} images per class in every row; simulator seed {measured['seed']}."]
    for name, rows in measured["conditions"].items():
        sections += [f"### Preset {name}", format_conditions(rows)]
    sections += [
        "### Recall by signal strength",
        format_fractions("dB", STRENGTHS, measured["strength"]),
    ]
    if "curvature" in measured:
        curvature = measured["curvature"]
        sections += [
            "### Predicted class of curved lines, by curvature",
            format_fractions("sagitta, pixels", SAGITTAS, curvature["curves"]),
            f"Recall of straight lines: {curvature['straight']:.3f}.",
        ]
    return "\n\n".join(sections) + "\n"


if __name__ == "__main__":
    main()
