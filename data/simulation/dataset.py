"""A whole simulated data set: which images it holds, what each is seeded with, and on which core.

An image depends on the seed, the split, the class, its number within the class, the preset and the
image's size, and on nothing else: not on how many images or worker processes there are.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np

from data import seed_layout
from data.simulation.classes import SIGNALS, Signal, check_classes
from data.simulation.presets import Preset, find_preset
from data.simulation.spectrogram import published_oversampling, simulate_spectrogram

# Images a worker takes at a time: about a quarter of a second's work for one of 64 x 128.
_IMAGES_A_TASK = 32

# An image's two streams of random numbers.
_SIGNAL, _NOISE = 0, 1


@dataclass(frozen=True)
class ImageKey:
    """Names one image of a simulated data set: the `number`-th of its class in its split."""

    split: str
    class_name: str
    number: int


def simulate_image(
    key: ImageKey,
    seed: int = 0,
    preset: str | Preset = "basic",
    height: int = seed_layout.HEIGHT,
    width: int = seed_layout.WIDTH,
) -> np.ndarray:
    """One image of a simulated data set.

    The same arguments give the same image with the same release of numpy on the same kind of
    processor. Elsewhere a pixel may differ by one step in 255, where a logarithm or a cosine is
    rounded the other way.

    Returns:
      uint8 [height, width].
    """
    tone = simulate_signal(key, seed, preset)
    return simulate_spectrogram(tone, height, width, _stream(key, seed, _NOISE))


def simulate_signal(key: ImageKey, seed: int = 0, preset: str | Preset = "basic") -> Signal | None:
    """The signal in the image that `simulate_image` gives for the same arguments.

    Returns:
      Its path, strength and envelope; None for an image of pure noise.
    """
    return SIGNALS[key.class_name](_stream(key, seed, _SIGNAL), find_preset(preset))


def _stream(key: ImageKey, seed: int, purpose: int) -> np.random.Generator:
    # Names rather than positions, so that another class or another order changes no image.
    names = (zlib.crc32(key.split.encode()), zlib.crc32(key.class_name.encode()))
    sequence = np.random.SeedSequence(seed, spawn_key=(*names, key.number, purpose))
    return np.random.Generator(np.random.SFC64(sequence))


def simulate_dataset(
    directory: str | Path,
    train: int = 3200,
    validation: int = 800,
    seed: int = 0,
    preset: str | Preset = "basic",
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    overwrite: bool = False,
    *,
    classes: Sequence[str] = seed_layout.CLASS_NAMES,
    height: int = seed_layout.HEIGHT,
    width: int = seed_layout.WIDTH,
) -> None:
    """Writes a simulated data set in the seed layout, completely or not at all.

    More than one worker means more processes, which import the calling script anew: a script needs
    the usual `if __name__ == "__main__":`.

    Args:
      directory: the folder to write; made if need be.
      train: number of training images, over all classes; split as evenly as possible.
      validation: number of validation images.
      seed: 0 or greater. Another seed gives other images.
      preset: "basic" or "hard", or a `Preset` of your own.
      workers: processes; None for one a core. It changes the time taken and nothing else.
      progress: called with (images done, images in all) after every image.
      overwrite: replace a data set that is there.
      classes: names from `data.simulation.classes.SIGNALS`, in the order of the label columns.
      height: rows (time) of an image.
      width: columns (frequency) of an image.

    Raises:
      FileExistsError: the folder already holds a data set and `overwrite` is False.
      ValueError: an argument is out of range, or a preset or class is unknown.

    Example:
        >>> simulate_dataset("runs/simulated", train=8, validation=4)  # doctest: +SKIP
    """
    preset = find_preset(preset)
    check_classes(classes)
    counts = {"train": train, "validation": validation}
    for split, count in counts.items():
        _check_count(split, count, classes)
    for name, value, least in (("seed", seed, 0), ("height", height, 1), ("width", width, 1)):
        _check_at_least(name, value, least)
    workers = _usable_cores() if workers is None else workers
    _check_at_least("workers", workers, 1)
    seed_layout.check_free(directory, overwrite)

    keys = {split: image_keys(split, count, classes) for split, count in counts.items()}
    simulate = partial(simulate_image, seed=seed, preset=preset, height=height, width=width)
    column = {name: index for index, name in enumerate(classes)}
    report = _counter(train + validation, progress)
    with _pool(min(workers, -(-(train + validation) // _IMAGES_A_TASK))) as run:
        splits = {
            split: (report(run(simulate, of)), [column[k.class_name] for k in of], len(classes))
            for split, of in keys.items()
        }
        record = _record(preset, seed, counts, classes, height, width)
        seed_layout.write_data_set(directory, splits, record, overwrite)


def image_keys(split: str, count: int, classes: Sequence[str]) -> list[ImageKey]:
    """The images of a split in the order of their rows: one class's block after another's.

    The counts of two classes differ by one at most, the earlier blocks having one more.
    """
    order = seed_layout.block_order(classes)
    each, left = divmod(count, len(order))
    return [
        ImageKey(split, classes[column], number)
        for block, column in enumerate(order)
        for number in range(each + (block < left))
    ]


def _check_count(split: str, count: int, classes: Sequence[str]) -> None:
    if count < len(classes):
        raise ValueError(
            f"{split}={count} images is fewer than the {len(classes)} classes "
            f"({', '.join(classes)}). Ask for at least {len(classes)}."
        )


def _check_at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} must be {least} or greater. Received: {value}.")


def _usable_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS or Windows
        return os.cpu_count() or 1


@contextmanager
def _pool(workers: int):
    """Yields a map over images that keeps their order; with one worker, here in this process."""
    if workers == 1:
        yield map
        return
    # Not fork: the caller may have TensorFlow's threads running, which a fork would break.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_follow, initargs=(os.getpid(),))
    try:
        yield partial(pool.map, chunksize=_IMAGES_A_TASK)
    finally:
        pool.shutdown(cancel_futures=True)


def _follow(parent: int) -> None:
    """Make a worker end when, and only when, its parent wants it to or is gone."""
    # Ctrl-C is for the parent to answer: it stops the others, which would only add tracebacks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _counter(total: int, progress: Callable[[int, int], None] | None):
    """A pass-through for iterables that reports how many items, over all of them, went by."""
    done = 0

    def report(images: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        nonlocal done
        for image in images:
            yield image
            done += 1
            if progress is not None:
                progress(done, total)

    return report


def _record(
    preset: Preset,
    seed: int,
    counts: dict[str, int],
    classes: Sequence[str],
    height: int,
    width: int,
) -> dict:
    return {
        "simulated": True,
        "note": "Simulated spectrograms: no telescope recorded these signals.",
        "preset": preset.name,
        "ranges": {name: value for name, value in asdict(preset).items() if name != "name"},
        "seed": seed,
        "images": counts,
        "classes": list(classes),
        "height": height,
        "width": width,
        "oversampling": published_oversampling(height, width),
        "software": {"radio-signals": _version(), "numpy": np.__version__},
    }


def _version() -> str:
    try:
        return metadata.version("radio-signals")
    except metadata.PackageNotFoundError:
        return "not installed"
