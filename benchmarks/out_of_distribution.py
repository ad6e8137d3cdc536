"""Measures whether a model is uncertain about images that are unlike its training images.

    python -m benchmarks.out_of_distribution MODEL DATA [--preset hard] [--images 200] [--plot FILE]

MODEL is a pushed model. DATA is the folder of its data, whose validation images are compared with:

    classes      SIMULATED signals of the other classes that the simulator knows, by class
    patterns     test patterns: checkerboards, gradients, stripes, rings, boxes and blocks
    photographs  grey pieces of the photographs that scikit-learn and Matplotlib bring
    frames       SIMULATED noise that is saturated, half missing or replaced by hot pixels, and
                 constant images

AUROC is the probability that the score of a validation image is above that of the other image.
"uncertain" is the fraction of images whose score is below 0.8, as in `radio-signals classify`; for
validation images, these are false alarms. --plot draws some images of each kind.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.robustness.model import ServedModel

THRESHOLD = 0.8
Images = NDArray[np.uint8]


def draw_patterns(count: int, height: int, width: int, rng: np.random.Generator) -> Images:
    """Draw test patterns, every other one with noise: uint8 [count, height, width]."""
    row, column = np.mgrid[:height, :width]
    drawn = []
    for number in range(count):
        angle, size = rng.uniform(0, np.pi), int(rng.integers(3, 17))
        ramp = np.cos(angle) * column / width + np.sin(angle) * row / height
        kind = number % 6
        if kind == 0:
            image = 255.0 * ((row // size + column // size) % 2)
        elif kind == 1:
            image = 255 * (ramp - ramp.min()) / np.ptp(ramp)
        elif kind == 2:
            across = np.cos(angle) * column + np.sin(angle) * row
            image = 127 + 127 * np.sin(2 * np.pi * across / (2 * size))
        elif kind == 3:
            centre = rng.uniform(0, height), rng.uniform(0, width)
            distance = np.hypot(row - centre[0], column - centre[1])
            image = 255.0 * (np.abs(distance - 2 * size) < 3)
        elif kind == 4:
            image = np.zeros((height, width))
            for _ in range(size // 2):
                top, left = rng.integers(0, height - 4), rng.integers(0, width - 4)
                image[top : top + 2 * size, left : left + 3 * size] = rng.integers(60, 255)
        else:
            blocks = rng.random((-(-height // 8), -(-width // 8))) < 0.5
            image = 255.0 * blocks.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
        noise = rng.normal(0, rng.uniform(1, 20), image.shape) * (number % 2)
        drawn.append(np.clip(image + noise, 0, 255).astype(np.uint8))
    return np.stack(drawn)


def cut_photographs(count: int, height: int, width: int, rng: np.random.Generator) -> Images:
    """Cut random pieces out of photographs and resize them: uint8 [count, height, width]."""
    import matplotlib as mpl
    import sklearn
    from PIL import Image

    folders = [
        Path(sklearn.__file__).parent / "datasets" / "images",
        Path(mpl.get_data_path()) / "sample_data",
    ]
    files = [file for folder in folders for file in sorted(folder.glob("*.jpg"))]
    photographs = [Image.open(file).convert("L") for file in files]
    pieces = []
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        largest = min(photograph.width / width, photograph.height / height)
        scale = rng.uniform(min(1.0, largest), largest)
        size = scale * width, scale * height
        left = rng.uniform(0, photograph.width - size[0])
        top = rng.uniform(0, photograph.height - size[1])
        box = left, top, left + size[0], top + size[1]
        pieces.append(np.asarray(photograph.resize((width, height), box=box)))
    return np.stack(pieces)


def spoil_frames(images: Images, rng: np.random.Generator) -> Images:
    """Spoil images as a broken receiver does: uint8 of the same shape."""
    spoilt = images.astype(float)
    for number, image in enumerate(spoilt):
        kind = number % 4
        if kind == 0:
            image[:] = rng.integers(0, 256)
        elif kind == 1:
            image[:] = 20 * (image - image.mean()) + rng.choice([64, 192])
        elif kind == 2:
            image[rng.integers(8, len(image) - 8) :] = 0
        else:
            image[:] = np.where(rng.random(image.shape) < 0.02, 255, image.mean())
    return np.clip(spoilt, 0, 255).astype(np.uint8)


def simulate(class_name: str, preset: str, count: int, height: int, width: int) -> Images:
    """Simulate images of one class: uint8 [count, height, width]."""
    from data.simulation.dataset import ImageKey, simulate_image

    keys = [ImageKey("validation", class_name, number) for number in range(count)]
    # Another seed than that of any documented data set.
    return np.stack([simulate_image(key, 7, preset, height, width) for key in keys])


def read_validation(data: str, model: ServedModel) -> Images:
    """Read the validation images of a data folder: uint8 [count, height, width]."""
    from components.spectrogram_example_gen.file_systems import choose_files
    from data.reading.layout import Layout
    from pipeline.classify.images import read_batches
    from pipeline.classify.inputs.batches import LeftOut
    from pipeline.classify.inputs.finder import Finder

    layout = Layout(tuple(model.classes), model.height, model.width)
    parts = Finder(layout, choose_files, "validation", None).find([data]).parts
    levels = [batch.levels for batch in read_batches(parts, 256, LeftOut(0))]
    return np.concatenate(levels).reshape(-1, model.height, model.width)


def main() -> None:
    """Print a table."""
    from sklearn.metrics import roc_auc_score

    from data.simulation.classes import SIGNALS

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("--preset", default="hard", help="of the other classes (hard)")
    parser.add_argument("--images", type=int, default=200, help="of each kind (200)")
    parser.add_argument("--plot", metavar="FILE", help="PNG file for some images of each kind")
    options = parser.parse_args()

    model = ServedModel(Path(options.model))
    size = model.height, model.width

    def score(images: Images) -> NDArray[np.float32]:
        return model.predict_probabilities((images / 255).astype(np.float32)).max(axis=1)

    rng = np.random.default_rng(0)
    validation = read_validation(options.data, model)
    kinds = {
        name: simulate(name, options.preset, options.images, *size)
        for name in SIGNALS
        if name not in model.classes
    }
    kinds["patterns"] = draw_patterns(options.images, *size, rng)
    kinds["photographs"] = cut_photographs(options.images, *size, rng)
    noise = simulate("noise", options.preset, options.images, *size)
    kinds["frames"] = spoil_frames(noise, rng)
    usual = score(validation)
    print(f"{'':32}{'images':>8}{'AUROC':>9}{'uncertain':>11}")
    print(f"{'validation':32}{len(usual):8,}{'':9}{(usual < THRESHOLD).mean():11.4f}")
    for kind, images in kinds.items():
        scores = score(images)
        truth = np.repeat([1, 0], [len(usual), len(scores)])
        auroc = roc_auc_score(truth, np.concatenate([usual, scores]))
        uncertain = (scores < THRESHOLD).mean()
        print(f"{kind:32}{len(scores):8,}{auroc:9.4f}{uncertain:11.4f}")
    if options.plot:
        draw(kinds, options.plot)


def draw(kinds: dict[str, Images], file: str) -> None:
    """Draw the first images of each kind."""
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(len(kinds), 6, figsize=(12, 1.5 * len(kinds)))
    for axes, (kind, images) in zip(rows, kinds.items(), strict=True):
        for axis, image in zip(axes, images, strict=False):
            axis.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto")
            axis.set_axis_off()
        axes[0].set_title(kind, loc="left", fontsize=8)
    figure.savefig(file, dpi=100, bbox_inches="tight")


if __name__ == "__main__":
    main()
