#!/usr/bin/env python3
"""Speed and memory of reading, beside what a user would pick instead.

    python benchmarks/reading.py DATA [--repeat 3] [--stock-rows 200] [--tenfold] [--work DIR]

DATA is a folder in the published layout and size. In one run, medians of several:

1. SpectrogramExampleGen on all of DATA, beside TFX's CsvExampleGen on as many rows of it as asked,
   both as a pipeline of one step with driver, executor and metadata; and beside pandas.read_csv of
   train/images.csv alone.
2. With --tenfold: ten times the data, which are DATA with every image rolled along frequency by 0
   to 9 channels; seconds and peak memory of the step, beside those of DATA.
3. `radio-signals data check`, start-up included, beside pandas.read_csv of train/images.csv with
   the import of pandas.

Every measurement has a process of its own. Files are read once before, so all come from memory.
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

COMMAND = Path(sys.executable).with_name("radio-signals")


def step_seconds(component, work: Path) -> float:
    """Run a pipeline of one step and return the seconds that it took."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner
    from tfx.orchestration.metadata import sqlite_metadata_connection_config
    from tfx.orchestration.pipeline import Pipeline

    from pipeline.beam_args import beam_args

    pipeline = Pipeline(
        pipeline_name="one-step",
        pipeline_root=str(work / "artifacts"),
        components=[component],
        metadata_connection_config=sqlite_metadata_connection_config(str(work / "mlmd.sqlite")),
        enable_cache=False,
        beam_pipeline_args=beam_args(),
    )
    started = time.perf_counter()
    LocalDagRunner().run(pipeline)
    return time.perf_counter() - started


def measure_ingest(data: Path, work: Path) -> dict:
    from components.spectrogram_example_gen.component import SpectrogramExampleGen
    from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH

    component = SpectrogramExampleGen(
        data=str(data), classes=list(CLASS_NAMES), height=HEIGHT, width=WIDTH, seed=0
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = step_seconds(component, work)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak_mib": after / 1024, "imports_mib": before / 1024}


def measure_stock(folder: Path, work: Path) -> dict:
    from tfx.components import CsvExampleGen

    return {"seconds": step_seconds(CsvExampleGen(input_base=str(folder)), work)}


def measure_pandas(file: Path, work: Path) -> dict:
    import pandas

    started = time.perf_counter()
    pandas.read_csv(file, header=None)
    return {"seconds": time.perf_counter() - started}


MEASURES = {"ingest": measure_ingest, "stock": measure_stock, "pandas": measure_pandas}


def in_its_own_process(measure: str, target: Path) -> dict:
    work = Path(tempfile.mkdtemp(prefix="reading-"))
    try:
        finished = subprocess.run(
            [sys.executable, __file__, "--measure", measure, str(target), "--work", str(work)],
            capture_output=True,
            text=True,
        )
        if finished.returncode:
            sys.exit(finished.stderr)
        return json.loads(finished.stdout.splitlines()[-1])
    finally:
        shutil.rmtree(work)


def whole_process(arguments: list) -> float:
    started = time.perf_counter()
    subprocess.run([str(part) for part in arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def count(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def stock_folder(data: Path, rows: int, work: Path) -> Path:
    """A folder with one CSV file as CsvExampleGen wants it: a header, and the label in the row."""
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


def tenfold(data: Path, folder: Path) -> Path:
    """Ten different copies of every image."""
    import numpy as np

    from data.reading.inventory import take_inventory
    from data.reading.layout import Layout
    from data.reading.split import split_images, split_labels
    from data.seed_layout import CLASS_NAMES, HEIGHT, SPLITS, WIDTH, write_data_set

    layout = Layout(CLASS_NAMES, HEIGHT, WIDTH)
    inventory = take_inventory(str(data), layout)

    def rolled(images):
        return (np.roll(image, shift, axis=1) for shift in range(10) for image in images)

    splits = {}
    for split in SPLITS:
        images = split_images(inventory, split, layout)
        labels = np.tile(split_labels(inventory, split, layout), 10)
        splits[split] = (rolled(images), labels, len(CLASS_NAMES))
    write_data_set(folder, splits, record=None, overwrite=True)
    return folder


def median_of(results: list[dict], key: str) -> float:
    return statistics.median(result[key] for result in results)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--stock-rows", type=int, default=200)
    parser.add_argument("--tenfold", action="store_true")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        result = MEASURES[arguments.measure](arguments.data.absolute(), arguments.work)
        print(json.dumps(result))
        return

    work = arguments.work or Path(tempfile.mkdtemp(prefix="reading-"))
    data = arguments.data
    train, validation = data / "train" / "images.csv", data / "validation" / "images.csv"
    rows = count(train) + count(validation)
    stock_data = stock_folder(data, arguments.stock_rows, work)
    ingests, stocks, pandas, checks, pandas_whole = [], [], [], [], []
    for _ in range(arguments.repeat):
        ingests.append(in_its_own_process("ingest", data))
        stocks.append(in_its_own_process("stock", stock_data))
        pandas.append(in_its_own_process("pandas", train))
        checks.append({"seconds": whole_process([COMMAND, "data", "check", data])})
        script = f"import pandas; pandas.read_csv({str(train)!r}, header=None)"
        pandas_whole.append({"seconds": whole_process([sys.executable, "-c", script])})

    ingest, stock = median_of(ingests, "seconds"), median_of(stocks, "seconds")
    read_csv, check = median_of(pandas, "seconds"), median_of(checks, "seconds")
    read_csv_whole = median_of(pandas_whole, "seconds")
    ours, theirs = rows / ingest, arguments.stock_rows / stock
    lines = [
        ("SpectrogramExampleGen", f"{rows:,} rows in {ingest:.2f} s, {ours:,.0f} rows/s"),
        ("CsvExampleGen", f"{arguments.stock_rows:,} rows in {stock:.2f} s, {theirs:.1f} rows/s"),
        ("ratio of rows/s", f"{ours / theirs:.0f}"),
        ("pandas.read_csv of train/images.csv", f"{read_csv:.2f} s"),
        ("SpectrogramExampleGen / pandas.read_csv", f"{ingest / read_csv:.2f}"),
        ("radio-signals data check", f"{check:.2f} s"),
        ("python -c 'pandas.read_csv(train/images.csv)'", f"{read_csv_whole:.2f} s"),
        ("data check / pandas.read_csv", f"{check / read_csv_whole:.2f}"),
    ]
    if arguments.tenfold:
        folder = tenfold(data, work / "tenfold")
        large = [in_its_own_process("ingest", folder) for _ in range(arguments.repeat)]
        size = sum(os.path.getsize(path) for path in folder.rglob("*.csv"))
        shutil.rmtree(folder)
        seconds = median_of(large, "seconds")
        once, ten, imports = (
            f"{median_of(results, key):,.0f}"
            for results, key in (
                (ingests, "peak_mib"),
                (large, "peak_mib"),
                (large, "imports_mib"),
            )
        )
        lines += [
            ("ten times the data", f"{10 * rows:,} rows, {size / 1e9:.2f} GB in {seconds:.2f} s"),
            ("time, ten times / once", f"{seconds / ingest:.1f}"),
            ("peak memory", f"once {once}, ten times {ten}, imports alone {imports} MiB"),
        ]
    print("| | median of several |\n|---|---|")
    for name, value in lines:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
