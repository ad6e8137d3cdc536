#!/usr/bin/env python3
"""Measures what a served model costs: size, load, first answer, latency and throughput.

    python benchmarks/serving.py MODEL [OTHER ...] [--repeat 5]

MODEL is the folder of a SavedModel, such as runs/serving/1. TensorFlow alone loads each model in a
fresh process, several times in turn with the others. The results are medians. Another process loads
it as `radio-signals serve` does, without optimising its graph. The images are SIMULATED: those of
preset basic, in turn of each class.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BATCH, IMAGES = 256, 64
SERVER_ROWS = (
    "load and first answer, s",
    "one image, ms, median",
    f"images/s in batches of {BATCH}",
)


def simulate(height: int, width: int) -> NDArray[np.float32]:
    """Simulate images of each class in turn: grey levels from 0 to 1, [IMAGES, height, width]."""
    from data.seed_layout import CLASS_NAMES
    from data.simulation.dataset import list_image_keys, simulate_image

    keys = list_image_keys("validation", IMAGES, CLASS_NAMES)
    images = [simulate_image(key, height=height, width=width) for key in keys]
    return (np.stack(images) / 255).astype(np.float32)


def measure(directory: str, as_server: bool) -> dict[str, float]:
    """Load a model in this process and time its answers."""
    import tensorflow as tf

    if as_server:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    started = time.perf_counter()
    model = tf.saved_model.load(directory)
    classify = model.signatures["classify_spectrograms"]
    loaded = time.perf_counter()
    _, height, width = classify.structured_input_signature[1]["spectrograms"].shape
    classify(spectrograms=tf.zeros([1, height, width]))["class"].numpy()
    answered = time.perf_counter()
    images = simulate(height, width)
    singles = [tf.constant(image[np.newaxis]) for image in images]
    many = tf.constant(np.tile(images, [BATCH // IMAGES, 1, 1]))

    def time_calls(batches: list[tf.Tensor]) -> list[float]:
        seconds = []
        for batch in batches:
            before = time.perf_counter()
            classify(spectrograms=batch)["class"].numpy()
            seconds.append(time.perf_counter() - before)
        return sorted(seconds)

    time_calls(singles)
    latencies = time_calls(4 * singles)
    time_calls(2 * [many])
    batches = time_calls(10 * [many])
    size = sum(path.stat().st_size for path in Path(directory).rglob("*") if path.is_file())
    return {
        "folder, MB": size / 1e6,
        "load, s": loaded - started,
        "first answer, s": answered - loaded,
        "load and first answer, s": answered - started,
        "one image, ms, median": 1e3 * statistics.median(latencies),
        "one image, ms, 95 %": 1e3 * latencies[int(0.95 * len(latencies))],
        f"images/s in batches of {BATCH}": BATCH / statistics.median(batches),
    }


def _measure_in_a_process(model: str, kind: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", kind, model]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Measure the models in turn and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--repeat", type=int, default=5, help="processes for each model (5)")
    parser.add_argument("--one", choices=["plain", "server"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.models[0], options.one == "server")))
        return
    results: dict[str, list[dict[str, float]]] = {model: [] for model in options.models}
    for _ in range(options.repeat):
        for model, runs in results.items():
            plain, server = (_measure_in_a_process(model, kind) for kind in ("plain", "server"))
            runs.append(plain | {f"{name}, as serve does": server[name] for name in SERVER_ROWS})
    for model, runs in results.items():
        print(model)
        for name in runs[0]:
            print(f"  {name:<42} {statistics.median(run[name] for run in runs):10.2f}")


if __name__ == "__main__":
    main()
