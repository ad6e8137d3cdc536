#!/usr/bin/env python3
"""Measures `radio-signals data tile` beside a plain read of the same bytes.

    python benchmarks/tiling.py [--gib 2] [--repeat 3] [--overlap 0 0.5] [--work DIR]

The observations are made for the purpose and removed: 16 rows of channels of 2.8 Hz as of
Breakthrough Listen, noise with the response and the DC spikes of coarse channels, and a few
drifting tones, all SIMULATED. They come as a SIGPROC file and as HDF5, uncompressed and with
bitshuffle. NumPy reads the first in blocks of 8 MiB, h5py the others in blocks of two chunks.

Each measurement has a process of its own and includes neither its start nor its imports. Files are
in the cache of the operating system. The table has the medians of seconds, of processor seconds of
all threads, and of the peak memory (RSS) of a process, imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROWS, COARSE = 16, 1 << 20
CHUNK = (ROWS, 1, 1 << 16)
HEADER = {
    "source_name": "SIMULATED",
    "fch1": 8421.38671875,
    "foff": -187.5 / 64 / COARSE,
    "tsamp": 18.253611008,
    "tstart": 57650.78209490741,
    "nifs": 1,
    "nbits": 32,
}
BLOCK_BYTES = 8 << 20
KEYS = ("seconds", "processor", "peak_mib")


def simulate_coarse_channels(number: int) -> Iterator[np.ndarray]:
    """Yield the power of coarse channels, float32 [ROWS, COARSE]."""
    rng = np.random.default_rng(0)
    noise = rng.gamma(51.0, 1.0 / 51.0, (ROWS, 4 * COARSE)).astype(np.float32)
    place = np.linspace(-1.0, 1.0, COARSE)
    response = (1e9 / (1.0 + (1.05 * place) ** 16)).astype(np.float32)
    for _ in range(number):
        shift = int(rng.integers(3 * COARSE))
        power = noise[:, shift : shift + COARSE].copy()
        for _ in range(8):
            channel, drift = rng.integers(2000, COARSE - 2000), rng.uniform(-60.0, 60.0)
            channels = (channel + drift * np.arange(ROWS)).astype(int)
            power[np.arange(ROWS), channels] += rng.uniform(1.0, 20.0)
        power[:, COARSE // 2] = 300.0
        yield power * response


def write_observations(folder: Path, gib: float) -> dict[str, Path]:
    """Write one observation in three forms; return their paths by name."""
    import h5py
    import hdf5plugin

    number = round(gib * 2**30 / (4 * ROWS * COARSE))
    channels = number * COARSE
    paths = {
        "SIGPROC": folder / f"{gib:g}.fil",
        "HDF5": folder / f"{gib:g}.h5",
        "HDF5, bitshuffle": folder / f"{gib:g}-bitshuffle.h5",
    }
    header = {**HEADER, "nchans": channels}
    compression = dict(hdf5plugin.Bitshuffle(nelems=0, cname="lz4"))
    with (
        open(paths["SIGPROC"], "wb") as fil,
        h5py.File(paths["HDF5"], "w") as plain,
        h5py.File(paths["HDF5, bitshuffle"], "w") as packed,
    ):
        fil.write(pack_header(header))
        start, shape = fil.tell(), (ROWS, 1, channels)
        data = [
            plain.create_dataset("data", shape, "f4"),
            packed.create_dataset("data", shape, "f4", chunks=CHUNK, **compression),
        ]
        for file, dataset in zip((plain, packed), data, strict=True):
            file.attrs["CLASS"], file.attrs["VERSION"] = "FILTERBANK", "1.0"
            dataset.attrs.update(header)
        for i, power in enumerate(simulate_coarse_channels(number)):
            for row, values in enumerate(power):
                fil.seek(start + 4 * (row * channels + i * COARSE))
                fil.write(values.tobytes())
            for dataset in data:
                dataset[:, 0, i * COARSE : (i + 1) * COARSE] = power
    return paths


def pack_header(header: dict[str, str | int | float]) -> bytes:
    """Return the header of a SIGPROC file."""

    def pack(value: str | int | float) -> bytes:
        if isinstance(value, str):
            return struct.pack("<i", len(value)) + value.encode()
        return struct.pack("<i" if isinstance(value, int) else "<d", value)

    pairs = [pack(name) + pack(value) for name, value in header.items()]
    return b"".join([pack("HEADER_START"), *pairs, pack("HEADER_END")])


def read_plainly(path: Path) -> None:
    """Read all values of a file in blocks."""
    if path.suffix == ".fil":
        with open(path, "rb") as file:
            while np.fromfile(file, np.float32, BLOCK_BYTES // 4).size:
                pass
        return
    import h5py

    with h5py.File(path) as file:
        data = file["data"]
        width = BLOCK_BYTES // 4 // ROWS
        for channel in range(0, data.shape[2], width):
            data[:, 0, channel : channel + width]


def cut_tiles(path: Path, folder: Path, overlap: float) -> None:
    """Do what the command does."""
    from data.telescope.observation import open_observation
    from data.telescope.tile_folder import write_tiles
    from data.telescope.tiling import Grid, Tiling

    with open_observation(str(path)) as observation:
        write_tiles(observation, Tiling(observation, Grid(overlap=overlap)), folder)


def measure(path: Path, overlap: float | None) -> dict[str, float]:
    """Measure in this process: plain reading if the overlap is None."""
    import hdf5plugin  # noqa: F401 - it registers its filters with HDF5

    from data.spectrogram import render
    from data.telescope import tile_folder  # noqa: F401 - its imports are not measured

    render(np.ones((1, 2, 2), np.float32), 2, 2)  # imports more
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        started, used = time.perf_counter(), time.process_time()
        if overlap is None:
            read_plainly(path)
        else:
            cut_tiles(path, Path(folder) / "tiles", overlap)
        seconds, used = time.perf_counter() - started, time.process_time() - used
    # Not of getrusage, which begins with the memory of the process that started this one.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return {"seconds": seconds, "processor": used, "peak_mib": peak}


def measure_apart(path: Path, overlap: float | None) -> dict[str, float]:
    """Measure in a process of its own."""
    arguments = ["--measure", str(path)] + ([] if overlap is None else ["--overlap", str(overlap)])
    process = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=False
    )
    if process.returncode:
        sys.exit(process.stderr)
    return json.loads(process.stdout)


def measure_size(folder: Path, gib: float, overlaps: list[float], repeat: int) -> None:
    """Print the rows of one size."""
    for name, path in write_observations(folder, gib).items():
        mib = gib * 1024
        results: dict[float | None, list[dict[str, float]]] = {o: [] for o in (None, *overlaps)}
        measure_apart(path, None)  # into the cache
        for _ in range(repeat):
            for overlap, measured in results.items():
                measured.append(measure_apart(path, overlap))
        medians = {
            overlap: {key: statistics.median(result[key] for result in measured) for key in KEYS}
            for overlap, measured in results.items()
        }
        for overlap, median in medians.items():
            what = "plain read" if overlap is None else f"data tile, overlap {overlap:g}"
            seconds = median["seconds"]
            print(
                f"| {name} | {mib:,.0f} | {what} | {seconds:.2f} | {median['processor']:.2f} | "
                f"{mib / seconds:,.0f} | {seconds / medians[None]['seconds']:.1f} | "
                f"{median['peak_mib']:,.0f} |",
                flush=True,
            )
        path.unlink()


def main() -> None:
    """Print the results as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--gib", type=float, default=2.0, help="size of the largest file, at least 0.5 (2)"
    )
    parser.add_argument("--repeat", type=int, default=3, help="runs of each measurement (3)")
    parser.add_argument("--overlap", type=float, nargs="*", default=None, help="of tiles (0 0.5)")
    parser.add_argument("--work", type=Path, help="folder for temporary data")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.gib < 0.5:
        parser.error("--gib: at least 0.5")
    if arguments.measure:
        overlap = arguments.overlap[0] if arguments.overlap else None
        print(json.dumps(measure(arguments.measure, overlap)))
        return
    overlaps = [0.0, 0.5] if arguments.overlap is None else arguments.overlap
    folder = Path(tempfile.mkdtemp(prefix="tiling-", dir=arguments.work))
    try:
        print(f"{os.cpu_count()} cores\n")
        print("| file | MiB | | s | processor s | MiB/s | times the plain read | peak MiB |")
        print("|---|---|---|---|---|---|---|---|")
        for gib in (arguments.gib / 8, arguments.gib):
            measure_size(folder, gib, overlaps, arguments.repeat)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
