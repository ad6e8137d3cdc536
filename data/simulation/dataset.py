"""Simulates whole data sets: which images they hold, their seeds, and the worker processes.

An image depends only on the seed, the split, the class, its number within the class, the preset,
the size and the rendering. It does not depend on the number of images or worker processes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import seed_layout
from data.simulation.classes import SIGNALS, Signal, check_classes
from data.simulation.crowd import draw_interference
from data.simulation.interference import Interference
from data.simulation.presets import Mixture, Preset, find_preset
from data.simulation.spectrogram import simulate_spectrogram
from data.spectrogram import RENDERINGS, choose_oversampling

# Images that a worker takes at a time: about a quarter of a second's work if they are 64 x 128.
_IMAGES_A_TASK = 32

# The streams of random numbers of an image.
_SIGNAL, _NOISE, _INTERFERENCE = 0, 1, 2

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class ImageKey:
    """Identifies one image of a simulated data set.

    Attributes:
      split: one of `data.seed_layout.SPLITS`.
      class_name: a key of `data.simulation.classes.SIGNALS`.
      number: 0-based number within its class and split.
    """

    split: str
    class_name: str
    number: int


def simulate_image(
    key: ImageKey,
    seed: int = 0,
    preset: str | Preset | Mixture = "basic",
    height: int = seed_layout.HEIGHT,
    width: int = seed_layout.WIDTH,
    rendering: str = "jet",
) -> Image:
    """Simulate one image of a data set.

    The same arguments give the same image with the same release of NumPy on the same kind of
    processor. Elsewhere a pixel may differ by one step in 255, because a logarithm or a cosine is
    rounded differently.

    Returns:
      uint8 [height, width].
    """
    tone = simulate_signal(key, seed, preset)
    interference = simulate_interference(key, tone, seed, preset)
    noise_rng = _seed_stream(key, seed, _NOISE)
    return simulate_spectrogram(
        tone, height, width, noise_rng, interference=interference, rendering=rendering
    )


def simulate_signal(
    key: ImageKey, seed: int = 0, preset: str | Preset | Mixture = "basic"
) -> Signal | None:
    """Return the signal in the image of `simulate_image` for the same arguments.

    Returns:
      Its path, strength and envelope; None for an image of pure noise.
    """
    return SIGNALS[key.class_name](
        _seed_stream(key, seed, _SIGNAL), find_preset(preset).choose(key.number)
    )


def simulate_interference(
    key: ImageKey, signal: Signal | None, seed: int = 0, preset: str | Preset | Mixture = "basic"
) -> Interference:
    """Return what the image of `simulate_image` for the same arguments holds besides its signal.

    `signal` is what `simulate_signal` returns for them.
    """
    return draw_interference(
        signal, _seed_stream(key, seed, _INTERFERENCE), find_preset(preset).choose(key.number)
    )


def _seed_stream(key: ImageKey, seed: int, purpose: int) -> np.random.Generator:
    # Names instead of positions, so that more classes or another order change no image.
    names = (zlib.crc32(key.split.encode()), zlib.crc32(key.class_name.encode()))
    sequence = np.random.SeedSequence(seed, spawn_key=(*names, key.number, purpose))
    return np.random.Generator(np.random.SFC64(sequence))


def simulate_dataset(
    directory: str | Path,
    train: int = 3200,
    validation: int = 800,
    seed: int = 0,
    preset: str | Preset | Mixture = "basic",
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    overwrite: bool = False,
    *,
    test: int = 0,
    classes: Sequence[str] = seed_layout.CLASS_NAMES,
    height: int = seed_layout.HEIGHT,
    width: int = seed_layout.WIDTH,
    rendering: str = "jet",
) -> None:
    """Write a simulated data set in the seed layout, completely or not at all.

    A calling script needs `if __name__ == "__main__":`, because worker processes import it again.

    Args:
      directory: the folder to write. It is created.
      train: number of training images of all classes together, divided as evenly as possible.
      validation: number of validation images.
      seed: 0 or greater. Another seed gives other images.
      preset: "basic", "hard", "crowded" or "mixed", or a `Preset` or `Mixture` of your own.
      workers: number of processes; None for one per core. It has no effect on the images.
      progress: called with (images done, all images) after every image.
      overwrite: replace an existing data set.
      test: number of test images; 0 for no such part.
      classes: names from `data.simulation.classes.SIGNALS`, in the order of the label columns.
      height: rows (time) of an image.
      width: columns (frequency) of an image.
      rendering: "jet", dark signals as in the published basic set, or "amplitude", light signals as
        in the published primary sets.

    Raises:
      FileExistsError: the folder already holds a data set and `overwrite` is False.
      InvalidData: another process is writing to the folder.
      ValueError: an argument is out of range, or a preset, class or rendering is unknown.
    """
    preset = find_preset(preset)
    counts = {"train": train, "validation": validation, **({"test": test} if test else {})}
    total = sum(counts.values())
    workers = _count_cores() if workers is None else workers
    _check_arguments(classes, counts, seed, height, width, workers, rendering)
    seed_layout.check_free(directory, overwrite)
    simulate = partial(
        simulate_image, seed=seed, preset=preset, height=height, width=width, rendering=rendering
    )
    report = _make_reporter(total, progress)
    with _start_workers(min(workers, -(-total // _IMAGES_A_TASK))) as run:
        splits = {}
        for split, count in counts.items():
            keys = list_image_keys(split, count, classes)
            labels = [classes.index(key.class_name) for key in keys]
            splits[split] = (report(run(simulate, keys)), labels, len(classes))
        record = _make_record(preset, seed, counts, classes, height, width, rendering)
        seed_layout.write_data_set(directory, splits, record, overwrite)


def list_image_keys(split: str, count: int, classes: Sequence[str]) -> list[ImageKey]:
    """Return the images of a split in the order of their rows, one block for each class.

    The sizes of two blocks differ by one at most. The earlier blocks are larger.
    """
    order = seed_layout.order_blocks(classes)
    each, rest = divmod(count, len(order))
    return [
        ImageKey(split, classes[column], number)
        for block, column in enumerate(order)
        for number in range(each + (block < rest))
    ]


def _check_arguments(
    classes: Sequence[str],
    counts: Mapping[str, int],
    seed: int,
    height: int,
    width: int,
    workers: int,
    rendering: str,
) -> None:
    check_classes(classes)
    if rendering not in RENDERINGS:
        raise ValueError(f"Unknown rendering {rendering!r}. Known: {', '.join(RENDERINGS)}.")
    for split, count in counts.items():
        if count < len(classes):
            raise ValueError(
                f"{split}={count} images is fewer than the {len(classes)} classes "
                f"({', '.join(classes)}). Ask for at least {len(classes)}."
            )
    bounds = (
        ("seed", seed, 0),
        ("height", height, 1),
        ("width", width, 1),
        ("workers", workers, 1),
    )
    for name, value, least in bounds:
        if value < least:
            raise ValueError(f"{name} must be {least} or greater. Received: {value}.")


def _count_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS or Windows
        return os.cpu_count() or 1


@contextmanager
def _start_workers(
    workers: int,
) -> Iterator[Callable[[Callable[[ImageKey], Image], Iterable[ImageKey]], Iterator[Image]]]:
    """Yield a function like `map`. With one worker it runs in this process."""
    if workers == 1:
        yield map
        return
    # Not fork: the caller may run threads of TensorFlow, which a fork would break.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        workers, context, initializer=_follow_parent, initargs=(os.getpid(),)
    )
    try:
        yield partial(pool.map, chunksize=_IMAGES_A_TASK)
    finally:
        pool.shutdown(cancel_futures=True)


def _follow_parent(parent: int) -> None:
    """Make a worker end when its parent ends, and not by itself on Ctrl-C."""
    # The parent answers Ctrl-C and stops the workers, which would only add tracebacks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _make_reporter(
    total: int, progress: Callable[[int, int], None] | None
) -> Callable[[Iterator[Image]], Iterator[Image]]:
    """Return a function that passes images on and reports how many there were in all its calls."""
    done = 0

    def report(images: Iterator[Image]) -> Iterator[Image]:
        nonlocal done
        for image in images:
            yield image
            done += 1
            if progress is not None:
                progress(done, total)

    return report


def _make_record(
    preset: Preset | Mixture,
    seed: int,
    counts: Mapping[str, int],
    classes: Sequence[str],
    height: int,
    width: int,
    rendering: str,
) -> dict[str, Any]:
    return {
        "simulated": True,
        "note": "Simulated spectrograms: no telescope recorded these signals.",
        "preset": preset.name,
        "ranges": {name: value for name, value in asdict(preset).items() if name != "name"},
        "seed": seed,
        "images": dict(counts),
        "classes": list(classes),
        "height": height,
        "width": width,
        "rendering": rendering,
        "oversampling": choose_oversampling(height, width),
        "software": {"radio-signals": _find_version(), "numpy": np.__version__},
    }


def _find_version() -> str:
    try:
        return metadata.version("radio-signals")
    except metadata.PackageNotFoundError:
        return "not installed"
