#!/usr/bin/env python3
"""Measures `radio-signals classify`: its speed and memory, and what it finds in an observation.

    python benchmarks/classify.py images MODEL DATA [--images 1000 40000] [--repeat 3] [--work DIR]
    python benchmarks/classify.py scan MODEL [--preset hard] [--seed 0] [--work DIR]

MODEL is as for `radio-signals classify --model`.

images: DATA is a data folder. Its spectrograms are shifted along frequency until there are as many
as wanted, and written as CSV and as NPY. The command classifies them in a process of its own. In
turn with it, another process calls the same SavedModel with batches of 256 spectrograms that are in
its memory. Rates are those of the classification alone, without imports and loading. Memory is the
peak of a process, less that of a process that loads the model and answers one batch.

scan: 20 SIMULATED signals of a preset (12 straight, 4 curved, 4 wandering) are in SIMULATED noise:
256 rows of 262,144 channels. The model was trained on images of 4 x 4 FFT bins a pixel, so as many
rows and channels make a pixel of a tile. A signal is found if a candidate is within 8 columns of it
in the middle of the observation.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import statistics
import struct
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("radio-signals")
BATCH = 256

ROWS, CHANNELS, SIGNAL_CHANNELS, DECIMATION = 256, 1 << 18, 1024, 4
LOWEST_MHZ, CHANNEL_HZ = 8400.0, 2.7939677238464355
ROW_SECONDS = 1.0 / CHANNEL_HZ
CLASSES = 12 * ["narrowband"] + 4 * ["narrowbanddrd"] + 4 * ["squiggle"]
TOLERANCE_COLUMNS = 8

# Calls the model with images in memory and prints images per second.
BARE = """
import os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
model, path, count, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
classify = tf.saved_model.load(model).signatures["classify_spectrograms"]
images = np.load(path, mmap_mode="r")
images = (images[:min(count, 4 * batch)] / 255).astype(np.float32)
batches = [tf.constant(images[i:i + batch]) for i in range(0, len(images), batch)]
classify(spectrograms=batches[0])["probabilities"].numpy()
started, done = time.perf_counter(), 0
while done < count:
    for images in batches:
        done += len(classify(spectrograms=images)["probabilities"].numpy())
print(done / (time.perf_counter() - started))
"""


def run_measured(command: list[Any]) -> tuple[str, float]:
    """Run a command; return what it printed, and the peak of its memory in MiB."""
    process = subprocess.Popen(
        [str(each) for each in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(errors or output)
    return output, usage.ru_maxrss / 1024


def classify(model: str, path: Path, output: Path, *options: Any) -> tuple[str, float]:
    """Run the command; return what it printed, and the peak of its memory in MiB."""
    return run_measured([COMMAND, "classify", path, "--model", model, "--output", output, *options])


def write_images(data: Path, count: int, folder: Path) -> list[Path]:
    """Write so many images as images.csv and images.npy."""
    import numpy as np

    from data.plots.gallery import read_layout
    from data.reading.inventory import take_inventory
    from data.reading.split import split_images
    from data.seed_layout import encode_csv

    layout = read_layout(data)
    inventory = take_inventory(str(data), layout)
    images = np.concatenate([split_images(inventory, split, layout) for split in inventory.splits])
    array = np.lib.format.open_memmap(
        folder / f"{count}.npy", "w+", np.uint8, (count, *images.shape[1:])
    )
    with open(folder / f"{count}.csv", "wb") as file:
        for first in range(0, count, BATCH):
            rows = np.arange(first, min(first + BATCH, count))
            block = [np.roll(images[row % len(images)], row // len(images), axis=1) for row in rows]
            array[rows] = block
            file.write(encode_csv(array[rows].reshape(len(rows), -1)))
    array.flush()
    return [folder / f"{count}.csv", folder / f"{count}.npy"]


def measure_images(model: str, data: Path, counts: list[int], repeat: int, work: Path) -> None:
    """Print rates and memory."""
    from pipeline.classify.find_model import find_model

    version = find_model(model).path
    print("| images | file | bare calls, images/s | classify, images/s | ratio | memory, MiB |")
    print("|---|---|---|---|---|---|")
    for count in counts:
        paths = write_images(data, count, work)
        single = [sys.executable, "-c", BARE, version, paths[1], BATCH, BATCH]
        _, loaded = run_measured(single)
        for path in paths:
            rates, bare, memory = [], [], []
            for _ in range(repeat):
                output, _ = run_measured([*single[:-2], count, BATCH])
                bare.append(float(output))
                output, peak = classify(model, path, work / "classes.csv")
                rates.append(float(re.search(r"([\d,]+) images/s", output)[1].replace(",", "")))
                memory.append(peak - loaded)
            ratio = statistics.median(rate / other for rate, other in zip(rates, bare, strict=True))
            print(
                f"| {count:,} | {path.suffix[1:].upper()} | {statistics.median(bare):,.0f} "
                f"| {statistics.median(rates):,.0f} | {ratio:.2f} | {max(memory):,.0f} |",
                flush=True,
            )


def move(path: Any, width: float, time: Any) -> Any:
    """Return where a path is in the middle of a wider band, in which its own has some width."""
    return 0.5 * (1.0 - width) + width * path(time)


def inject(path: Path, preset_name: str, seed: int) -> list[dict[str, Any]]:
    """Write an observation (SIMULATED); return the straight line that fits each signal best."""
    import numpy as np

    from data.simulation.classes import SIGNALS, Signal
    from data.simulation.presets import find_preset
    from data.simulation.spectrogram import simulate_voltage
    from data.spectrogram import compute_power

    rng, preset = np.random.default_rng(seed), find_preset(preset_name)
    # The digitiser changes the power of noise by some percent: a step that a model would notice.
    alone = simulate_voltage(None, ROWS, SIGNAL_CHANNELS, rng)
    mean = compute_power(alone.reshape(ROWS, -1)).mean()
    power = mean * rng.standard_exponential((ROWS, CHANNELS), np.float32)
    truths, time = [], (np.arange(ROWS) + 0.5) / ROWS
    for number, name in enumerate(CLASSES):
        first = round((number + rng.uniform(0.1, 0.8)) * CHANNELS / len(CLASSES))
        drawn = SIGNALS[name](rng, preset.choose(number))
        # A signal is drawn for the band of one tile, and played in the middle of a wider one.
        tile = 128 * DECIMATION / SIGNAL_CHANNELS
        shifted = Signal(partial(move, drawn.path, tile), drawn.strength)
        voltage = simulate_voltage(shifted, ROWS, SIGNAL_CHANNELS, rng)
        power[:, first : first + SIGNAL_CHANNELS] = compute_power(voltage.reshape(ROWS, -1))
        drift, middle = np.polyfit(time - 0.5, first + SIGNAL_CHANNELS * shifted.path(time), 1)
        truths.append(
            {
                "class": name,
                "strength": drawn.strength,
                "frequency_mhz": LOWEST_MHZ + 1e-6 * CHANNEL_HZ * middle,
                "drift_hz_s": drift * CHANNEL_HZ / (ROWS * ROW_SECONDS),
            }
        )
    path.write_bytes(_make_header() + power.tobytes())
    return truths


def _make_header() -> bytes:
    def pack(text: str) -> bytes:
        return struct.pack("<i", len(text)) + text.encode()

    values = {
        "source_name": pack("SIMULATED"),
        "fch1": struct.pack("<d", LOWEST_MHZ),
        "foff": struct.pack("<d", 1e-6 * CHANNEL_HZ),
        "tsamp": struct.pack("<d", ROW_SECONDS),
        "tstart": struct.pack("<d", 60000.0),
        "nbits": struct.pack("<i", 32),
        "nchans": struct.pack("<i", CHANNELS),
        "nifs": struct.pack("<i", 1),
    }
    pairs = b"".join(pack(name) + value for name, value in values.items())
    return pack("HEADER_START") + pairs + pack("HEADER_END")


def measure_scan(model: str, preset: str, seed: int, work: Path) -> None:
    """Print what is found and what is missed."""
    path, table = work / "simulated.fil", work / "candidates.csv"
    truths = inject(path, preset, seed)
    decimation = ("--decimate-time", DECIMATION, "--decimate-frequency", DECIMATION)
    output, peak = classify(model, path, table, *decimation, "--plots", work / "plots")
    with open(table) as file:
        candidates = list(csv.DictReader(file))
    print(output, f"peak of the memory: {peak:,.0f} MiB\n", sep="")
    print("| signal | strength, dB | found as | SNR | frequency error, Hz | drift error, Hz/s |")
    print("|---|---|---|---|---|---|")
    column_hz, half = DECIMATION * CHANNEL_HZ, 0.5 * ROWS * ROW_SECONDS
    for truth in truths:
        errors = {}
        for candidate in candidates:
            drift = float(candidate["drift_hz_s"])
            middle = float(candidate["frequency_mhz"]) + 1e-6 * drift * half
            error = 1e6 * (middle - truth["frequency_mhz"])
            if abs(error) <= TOLERANCE_COLUMNS * column_hz:
                errors[abs(error)] = (candidate, error, drift - truth["drift_hz_s"])
        line = f"| {truth['class']} | {truth['strength']:.1f} "
        if not errors:
            print(f"{line}| missed | | | |")
            continue
        candidate, error, drift_error = errors[min(errors)]
        candidates.remove(candidate)
        print(
            f"{line}| {candidate['class']} {float(candidate['score']):.2f} | {candidate['snr']} "
            f"| {error:+.1f} | {drift_error:+.3f} |"
        )
    print("\nNot injected:")
    for candidate in candidates:
        print("  {class} {score}, SNR {snr}, {frequency_mhz} MHz".format(**candidate))


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("images", "scan"))
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("data", metavar="DATA", nargs="?", type=Path)
    parser.add_argument("--images", nargs="+", type=int, default=[1000, 40000])
    parser.add_argument("--repeat", type=int, default=3, help="runs of each measurement (3)")
    parser.add_argument("--preset", default="hard", choices=("basic", "hard", "crowded", "mixed"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="folder for the files, which stay there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        if options.what == "scan":
            measure_scan(options.model, options.preset, options.seed, work)
        elif options.data is None:
            parser.error("images needs DATA")
        else:
            measure_images(options.model, options.data, options.images, options.repeat, work)


if __name__ == "__main__":
    main()
