"""Classifies the tiles of observations, and writes a row for each candidate."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.input_files import LOCAL
from data.telescope.observation import Observation, open_observation
from data.telescope.tiling import Grid, Tiles, Tiling, iterate_tiles
from pipeline.classify.inputs.batches import read_ahead
from pipeline.classify.observations.candidates import Candidate, make_candidate, merge_candidates
from pipeline.classify.observations.plots import draw_candidate
from pipeline.classify.observations.progress_file import ProgressFile, keeping_progress
from pipeline.classify.observations.track import measure_track, read_strip
from pipeline.classify.tables import Columns, writing_table
from pipeline.serving.served_model import PROBABILITIES, ServedModel

_COLUMNS: Columns = {
    "source": str,
    "target": str,
    "frequency_mhz": float,
    "drift_hz_s": float,
    "snr": float,
    "class": str,
    "score": float,
    "uncertain": bool,
    "tile": int,
    "start_mjd": float,
    "start_s": float,
    "stop_s": float,
    "edge_fraction": float,
    "tiles": int,
}

Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Scan:
    """What is scanned, and how.

    Attributes:
      paths: the observations.
      grid: how they are cut. Height and width are those of the model.
      noise_class: the class of a tile that is no candidate.
      min_snr: candidates with a lower signal-to-noise ratio are left out.
      threshold: candidates with a lower score are uncertain.
      batch_size: tiles that the model gets at a time.
      output: the table to write; None for standard output.
      plots: the folder for a picture of each candidate; None for no pictures.
    """

    paths: Sequence[str]
    grid: Grid
    noise_class: str
    min_snr: float
    threshold: float
    batch_size: int
    output: str | None
    plots: str | None


@dataclass
class Scanned:
    """What came of a scan.

    Attributes:
      tiles: number of all tiles.
      resumed: how many of them an earlier process had done.
      seconds: how long it took to classify the others.
      with_signal: tiles whose class is not that of noise.
      candidates: what was written, by path of the observation.
    """

    tiles: int
    resumed: int
    seconds: float
    with_signal: int
    candidates: Mapping[str, Sequence[Candidate]]


def plan_tilings(scan: Scan) -> list[Tiling]:
    """Return the tiles of the observations, without reading more than their headers.

    Raises:
      InvalidData: an observation cannot be read, or no tile fits.
    """
    tilings = []
    for path in scan.paths:
        with open_observation(path) as observation:
            rows, needed = observation.header.rows, scan.grid.rows
            if rows < needed:
                raise InvalidData(
                    f"{path} has {rows:,} rows, and a tile for this model takes {needed:,}: "
                    f"{scan.grid.height} of {scan.grid.decimate_time} rows each. Train a model for "
                    "images of fewer rows; see docs/classify.md."
                )
            tilings.append(Tiling(observation, scan.grid))
    return tilings


def scan_observations(
    model: ServedModel, scan: Scan, tilings: Sequence[Tiling], advance: Advance
) -> Scanned:
    """Scan all observations, write the table of candidates and draw them.

    Args:
      model: the model.
      scan: what to scan.
      tilings: as `plan_tilings` returns them.
      advance: called with (tiles done, all tiles).

    Raises:
      InvalidData: an observation is damaged, or the file of an unfinished scan belongs to another
        one. No table is written then.
    """
    total = sum(map(len, tilings))
    with keeping_progress(scan.output, _identify(model, scan)) as progress:
        resumed = sum(tile + 1 for tile in progress.done.values())
        before, started = 0, time.perf_counter()
        for number, (path, tiling) in enumerate(zip(scan.paths, tilings, strict=True)):
            with open_observation(path) as observation:
                for tiles in _scan_observation(model, scan, observation, tiling, number, progress):
                    advance(before + tiles, total)
            before += len(tiling)
        seconds = time.perf_counter() - started
        unmerged = [progress.candidates.get(number, []) for number in range(len(tilings))]
        candidates = {
            path: [
                candidate
                for candidate in merge_candidates(each, scan.grid.width)
                if candidate.snr >= scan.min_snr
            ]
            for path, each in zip(scan.paths, unmerged, strict=True)
        }
        if scan.plots is not None:
            _draw(scan, tilings, candidates)
        _write(scan, tilings, candidates)
    return Scanned(total, resumed, seconds, sum(map(len, unmerged)), candidates)


def _scan_observation(
    model: ServedModel,
    scan: Scan,
    observation: Observation,
    tiling: Tiling,
    number: int,
    progress: ProgressFile,
) -> Iterator[int]:
    """Classify the tiles that are not done; yield the number of those that are."""
    noise = model.classes.index(scan.noise_class)
    start = progress.done.get(number, -1) + 1
    if start < len(tiling):
        blocks = iterate_tiles(observation, tiling, start=start)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for tiles, images in read_ahead(_fill_batches(blocks, scan.batch_size)):
                probabilities = model.classify(images)[PROBABILITIES]
                places = np.flatnonzero(probabilities.argmax(axis=1) != noise)
                measure = functools.partial(_measure, observation, tiling, model.classes)
                measured = list(pool.map(measure, tiles[places], probabilities[places]))
                progress.add(number, int(tiles["tile"][-1]), measured)
                yield int(tiles["tile"][-1]) + 1
    progress.add(number, len(tiling) - 1, [])


def _measure(
    observation: Observation,
    tiling: Tiling,
    classes: Sequence[str],
    tile: Any,
    probabilities: NDArray[np.float32],
) -> Candidate:
    """Return the candidate in a tile, a `TILE`, given the probability of each class."""
    strip, left = read_strip(observation, tiling, int(tile["tile"]))
    track = measure_track(strip, left, tiling.grid.width)
    decided = int(probabilities.argmax())
    return make_candidate(tile, track, tiling, classes[decided], float(probabilities[decided]))


def _fill_batches(blocks: Iterator[Tiles], size: int) -> Iterator[Tiles]:
    """Yield exactly so many tiles at a time; the last time there may be fewer."""
    held: list[Tiles] = []
    for block in blocks:
        held.append(block)
        if sum(len(tiles) for tiles, _ in held) >= size:
            tiles, images = (np.concatenate(each) for each in zip(*held, strict=True))
            whole = len(tiles) // size * size
            for first in range(0, whole, size):
                yield tiles[first : first + size], images[first : first + size]
            held = [(tiles[whole:], images[whole:])]
    for tiles, images in held:
        if len(tiles):
            yield tiles, images


def _identify(model: ServedModel, scan: Scan) -> dict[str, Any]:
    """Return what must be the same for an unfinished scan to go on."""
    paths = [os.path.abspath(path) for path in scan.paths]
    files = json.dumps([model.card.get("model_id"), model.card.get("files")], sort_keys=True)
    return {
        "observation": [[path, LOCAL.identities("", [path])[path]] for path in paths],
        "model": hashlib.sha256(files.encode()).hexdigest(),
        "grid": asdict(scan.grid),
        "class of noise": scan.noise_class,
        "release of radio-signals": version("radio-signals"),
    }


def _write(
    scan: Scan, tilings: Sequence[Tiling], candidates: Mapping[str, Sequence[Candidate]]
) -> None:
    with writing_table(scan.output, _COLUMNS) as append:
        for tiling, (path, found) in zip(tilings, candidates.items(), strict=True):
            rows = [
                {
                    **asdict(each),
                    "source": path,
                    "target": tiling.header.source,
                    "class": each.class_name,
                    "uncertain": each.score < scan.threshold,
                }
                for each in found
            ]
            append([[row[name] for row in rows] for name in _COLUMNS])


def _draw(
    scan: Scan, tilings: Sequence[Tiling], candidates: Mapping[str, Sequence[Candidate]]
) -> None:
    """Draw a PNG of each candidate, named after its observation and its tile."""
    folder = Path(scan.plots or "")
    folder.mkdir(parents=True, exist_ok=True)
    for tiling, (path, found) in zip(tilings, candidates.items(), strict=True):
        with open_observation(path) as observation:
            for each in found:
                name = f"{Path(path).stem}-tile-{each.tile}.png"
                draw_candidate(observation, tiling, each, folder / name)
