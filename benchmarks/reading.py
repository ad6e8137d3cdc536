#!/usr/bin/env python3
"""Measures speed and memory of reading data, compared with the usual alternatives.

    python benchmarks/reading.py DATA [--repeat 3] [--stock-rows 200] [--tenfold] [--work DIR]
    python benchmarks/reading.py DATA --pictures [--repeat 3] [--work DIR]

DATA is a folder with data in the published layout and size. The results are medians of:

1. SpectrogramExampleGen on all of DATA, TFX's CsvExampleGen on some rows of it (--stock-rows), and
   pandas.read_csv on train/images.csv alone. Both components run as a pipeline of one step, with
   driver, executor and metadata.
2. With --tenfold: SpectrogramExampleGen on ten times the data, seconds and peak memory. This set
   contains every image of DATA ten times, shifted along frequency by 0 to 9 channels.
3. `radio-signals data check` and pandas.read_csv on train/images.csv, both including start-up.
4. With --pictures, instead: the images of DATA as PNG files in folders, read by the reader of this
   project (decoded, checked, hashed), by SpectrogramExampleGen, by Keras's
   image_dataset_from_directory, and by Pillow alone. Imports are not counted.

Each measurement has a process of its own. An earlier step reads the files once, so that all
measurements find them in the operating system's cache.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("radio-signals")


def run_step(component: Any, work: Path) -> float:
    """Run a pipeline of one step and return its duration in seconds."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner
    from tfx.orchestration.metadata import sqlite_metadata_connection_config
    from tfx.orchestration.pipeline import Pipeline

    from pipeline.beam_args import make_beam_args

    pipeline = Pipeline(
        pipeline_name="one-step",
        pipeline_root=str(work / "artifacts"),
        components=[component],
        metadata_connection_config=sqlite_metadata_connection_config(str(work / "mlmd.sqlite")),
        enable_cache=False,
        beam_pipeline_args=make_beam_args(),
    )
    started = time.perf_counter()
    LocalDagRunner().run(pipeline)
    return time.perf_counter() - started


def measure_ingest(data: Path, work: Path) -> dict[str, float]:
    """Measure SpectrogramExampleGen."""
    from components.spectrogram_example_gen.component import SpectrogramExampleGen
    from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH

    component = SpectrogramExampleGen(
        data=str(data), classes=list(CLASS_NAMES), height=HEIGHT, width=WIDTH, seed=0
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = run_step(component, work)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak_mib": after / 1024, "imports_mib": before / 1024}


def measure_stock(folder: Path, work: Path) -> dict[str, float]:
    """Measure TFX's CsvExampleGen."""
    from tfx.components import CsvExampleGen

    return {"seconds": run_step(CsvExampleGen(input_base=str(folder)), work)}


def measure_pandas(file: Path, _work: Path) -> dict[str, float]:
    """Measure pandas.read_csv without its import."""
    import pandas as pd

    started = time.perf_counter()
    pd.read_csv(file, header=None)
    return {"seconds": time.perf_counter() - started}


def measure_pictures(folder: Path, _work: Path) -> dict[str, float]:
    """Measure the reader of folders of pictures."""
    from data.reading.check import check_folder
    from data.reading.layout import Layout
    from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH

    started = time.perf_counter()
    _, findings = check_folder(str(folder), Layout(CLASS_NAMES, HEIGHT, WIDTH))
    seconds = time.perf_counter() - started
    findings.raise_errors(str(folder))
    return {"seconds": seconds, "images": sum(findings.images.values())}


def measure_keras(folder: Path, _work: Path) -> dict[str, float]:
    """Measure Keras's reader, whose batches are not kept."""
    import keras
    import tensorflow as tf

    from data.seed_layout import HEIGHT, TRAIN, VALIDATION, WIDTH

    tf.constant(0)  # starts TensorFlow
    started, images = time.perf_counter(), 0
    for split in (TRAIN, VALIDATION):
        dataset = keras.utils.image_dataset_from_directory(
            folder / split, color_mode="grayscale", image_size=(HEIGHT, WIDTH), batch_size=256
        )
        images += sum(len(labels) for _, labels in dataset)
    return {"seconds": time.perf_counter() - started, "images": images}


def measure_pillow(folder: Path, _work: Path) -> dict[str, float]:
    """Measure Pillow in one thread."""
    import numpy as np
    from PIL import Image

    Image.preinit()
    started, images = time.perf_counter(), 0
    for path in folder.glob("*/*/*.png"):
        with Image.open(path) as image:
            np.asarray(image)
        images += 1
    return {"seconds": time.perf_counter() - started, "images": images}


MEASURES = {
    "ingest": measure_ingest,
    "stock": measure_stock,
    "pandas": measure_pandas,
    "pictures": measure_pictures,
    "keras": measure_keras,
    "pillow": measure_pillow,
}


def run_measure(measure: str, target: Path) -> dict[str, float]:
    """Run one of `MEASURES` in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="reading-") as work:
        process = subprocess.run(
            [sys.executable, __file__, "--measure", measure, str(target), "--work", work],
            capture_output=True,
            text=True,
            check=False,
        )
    if process.returncode:
        sys.exit(process.stderr)
    return json.loads(process.stdout.splitlines()[-1])


def time_command(*arguments: object) -> dict[str, float]:
    """Run a command and measure its duration, start-up included."""
    started = time.perf_counter()
    subprocess.run([str(argument) for argument in arguments], check=True, stdout=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - started}


def count_rows(path: Path) -> int:
    """Return the number of lines of a file."""
    return path.read_bytes().count(b"\n")


def write_stock_data(data: Path, rows: int, work: Path) -> Path:
    """Write one CSV file as CsvExampleGen expects it: with a header and the label in the row."""
    folder = work / "stock"
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = (data / "train" / name for name in ("images.csv", "labels.csv"))
    with open(images) as left, open(labels) as right, open(folder / "data.csv", "w") as out:
        for number, (image, label) in enumerate(zip(left, right, strict=True)):
            if number == 0:
                names = [f"p{column}" for column in range(image.count(",") + 1)]
                out.write(",".join([*names, "label"]) + "\n")
            if number == rows:
                break
            column = [float(value) for value in label.split(",")].index(1.0)
            out.write(f"{image.rstrip()},{column}\n")
    return folder


def write_tenfold_data(data: Path, folder: Path) -> Path:
    """Write ten different copies of every image."""
    import numpy as np

    from data.reading.inventory import take_inventory
    from data.reading.layout import Layout
    from data.reading.split import split_images, split_labels
    from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH, write_data_set

    layout = Layout(CLASS_NAMES, HEIGHT, WIDTH)
    inventory = take_inventory(str(data), layout)

    def shifted(images):
        return (np.roll(image, shift, axis=1) for shift in range(10) for image in images)

    splits = {}
    for split in inventory.splits:
        images = split_images(inventory, split, layout)
        labels = np.tile(split_labels(inventory, split, layout), 10)
        splits[split] = (shifted(images), labels, len(CLASS_NAMES))
    write_data_set(folder, splits, record=None, overwrite=True)
    return folder


def write_pictures(data: Path, folder: Path) -> Path:
    """Write all images as PNG files in folders named after the classes."""
    from PIL import Image

    from data.reading.inventory import take_inventory
    from data.reading.layout import Layout
    from data.reading.split import split_images, split_labels
    from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH

    layout = Layout(CLASS_NAMES, HEIGHT, WIDTH)
    inventory = take_inventory(str(data), layout)
    for split in inventory.splits:
        labels = split_labels(inventory, split, layout)
        for number, image in enumerate(split_images(inventory, split, layout)):
            path = folder / split / CLASS_NAMES[labels[number]] / f"{number:06}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return folder


def measure_all_pictures(data: Path, repeat: int, work: Path) -> list[tuple[str, str]]:
    """Return the rows of the result for pictures: name and value."""
    folder = write_pictures(data, work / "pictures")
    names = {
        "reading, checks and hashes": "pictures",
        "SpectrogramExampleGen, the whole step": "ingest",
        "Keras's image_dataset_from_directory": "keras",
        "Pillow alone, one thread": "pillow",
    }
    results = {name: [] for name in names}
    for _ in range(repeat):
        for name, measure in names.items():
            results[name].append(run_measure(measure, folder))
    first, *_ = results
    images = results[first][0]["images"]
    speeds = {name: images / median(runs) for name, runs in results.items()}
    return [
        (name, f"{speed:,.0f} pictures/s, {speed / speeds[first]:.2f} times the first row")
        for name, speed in speeds.items()
    ]


def median(results: list[dict[str, float]], key: str = "seconds") -> float:
    """Return the median of one key."""
    return statistics.median(result[key] for result in results)


def measure_all(
    data: Path, stock_rows: int, repeat: int, tenfold: bool, work: Path
) -> list[tuple[str, str]]:
    """Return the rows of the result: name and value."""
    train, validation = data / "train" / "images.csv", data / "validation" / "images.csv"
    rows = count_rows(train) + count_rows(validation)
    stock_data = write_stock_data(data, stock_rows, work)
    script = f"import pandas; pandas.read_csv({str(train)!r}, header=None)"
    ingests, stocks, pandas, checks, scripts = [], [], [], [], []
    for _ in range(repeat):
        ingests.append(run_measure("ingest", data))
        stocks.append(run_measure("stock", stock_data))
        pandas.append(run_measure("pandas", train))
        checks.append(time_command(COMMAND, "data", "check", data))
        scripts.append(time_command(sys.executable, "-c", script))

    ingest, stock, read_csv = median(ingests), median(stocks), median(pandas)
    check, pandas_script = median(checks), median(scripts)
    ours, theirs = rows / ingest, stock_rows / stock
    lines = [
        ("SpectrogramExampleGen", f"{rows:,} rows in {ingest:.2f} s, {ours:,.0f} rows/s"),
        ("CsvExampleGen", f"{stock_rows:,} rows in {stock:.2f} s, {theirs:.1f} rows/s"),
        ("ratio of rows/s", f"{ours / theirs:.0f}"),
        ("pandas.read_csv of train/images.csv", f"{read_csv:.2f} s"),
        ("SpectrogramExampleGen / pandas.read_csv", f"{ingest / read_csv:.2f}"),
        ("radio-signals data check", f"{check:.2f} s"),
        ("python -c 'pandas.read_csv(train/images.csv)'", f"{pandas_script:.2f} s"),
        ("data check / pandas.read_csv", f"{check / pandas_script:.2f}"),
    ]
    if tenfold:
        folder = write_tenfold_data(data, work / "tenfold")
        large = [run_measure("ingest", folder) for _ in range(repeat)]
        size = sum(os.path.getsize(path) for path in folder.rglob("*.csv"))
        shutil.rmtree(folder)
        peak, large_peak = median(ingests, "peak_mib"), median(large, "peak_mib")
        imports = median(large, "imports_mib")
        lines += [
            (
                "ten times the data",
                f"{10 * rows:,} rows, {size / 1e9:.2f} GB in {median(large):.2f} s",
            ),
            ("time, ten times / once", f"{median(large) / ingest:.1f}"),
            (
                "peak memory",
                f"once {peak:,.0f}, ten times {large_peak:,.0f}, imports alone {imports:,.0f} MiB",
            ),
        ]
    return lines


def main() -> None:
    """Print the results as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each measurement (3)")
    parser.add_argument("--stock-rows", type=int, default=200, help="rows for CsvExampleGen (200)")
    parser.add_argument("--tenfold", action="store_true", help="measure ten times the data too")
    parser.add_argument("--pictures", action="store_true", help="measure pictures instead")
    parser.add_argument("--work", type=Path, help="folder for temporary data")
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure = MEASURES[arguments.measure]
        print(json.dumps(measure(arguments.data.absolute(), arguments.work)))
        return

    with tempfile.TemporaryDirectory(prefix="reading-") as temporary:
        work = arguments.work or Path(temporary)
        if arguments.pictures:
            lines = measure_all_pictures(arguments.data, arguments.repeat, work)
        else:
            lines = measure_all(
                arguments.data, arguments.stock_rows, arguments.repeat, arguments.tenfold, work
            )
    print("| | median of several |\n|---|---|")
    for name, value in lines:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
