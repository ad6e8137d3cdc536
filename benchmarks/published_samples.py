"""Tests a model, trained on simulated spectrograms, on published ones.

    python -m benchmarks.published_samples MODEL SAMPLES.npz [--output FILE.png] [--json FILE]

MODEL is a pushed model. SAMPLES.npz contains uint8 spectrograms [N, height, width] under the names
of their classes. Classes that the model does not know are ignored. The spectrograms are averaged
over areas to the model's image size, of which their size must be a multiple. The command prints the
accuracy and every error, and draws all spectrograms, those with errors first and framed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.robustness.model import ServedModel

_COLUMNS = 5


def average(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Average over areas.

    Args:
      images: uint8 [N, H, W].
      height: height of the result.
      width: width of the result.

    Returns:
      Grey levels 0 to 1, float32 [N, height, width].

    Raises:
      ValueError: H or W is not a multiple of height or width.
    """
    count, rows, columns = images.shape
    if rows % height or columns % width:
        raise ValueError(
            f"Images of {rows} x {columns} cannot be averaged to {height} x {width}: "
            "their sides must be multiples."
        )
    areas = images.reshape(count, height, rows // height, width, columns // width)
    return areas.mean(axis=(2, 4), dtype=np.float32) / 255


def draw(images: np.ndarray, titles: list[str], wrong: np.ndarray, file: Path) -> None:
    """Draw all spectrograms, float32 [N, H, W], those with a wrong prediction first and framed."""
    order = np.argsort(~wrong, kind="stable")
    rows = -(-len(images) // _COLUMNS)
    figure = Figure((3.2 * _COLUMNS, 2.0 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for position, axis in enumerate(axes):
        axis.set_xticks([])
        axis.set_yticks([])
        if position >= len(order):
            axis.set_axis_off()
            continue
        index = order[position]
        axis.imshow(images[index], aspect="auto", cmap="gray")
        axis.set_title(titles[index], fontsize=8, color="#b3261e" if wrong[index] else "black")
        axis.set_xlabel("frequency", fontsize=7)
        axis.set_ylabel("time", fontsize=7)
        for spine in axis.spines.values():
            spine.set(color="#b3261e" if wrong[index] else "black", linewidth=1 + 2 * wrong[index])
    figure.savefig(file, dpi=80)


def main() -> None:
    """Print the errors and the accuracy, and draw the spectrograms."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--output", type=Path, default=Path("published_samples.png"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    model = ServedModel(arguments.model)
    with np.load(arguments.samples) as samples:
        originals = {name: samples[name] for name in model.classes if name in samples}
    images = np.concatenate(
        [average(originals[name], model.height, model.width) for name in originals]
    )
    actual = np.repeat(
        [model.classes.index(name) for name in originals],
        [len(originals[name]) for name in originals],
    )
    probabilities = model.predict_probabilities(images)
    predicted = probabilities.argmax(axis=1)
    wrong = predicted != actual
    titles = []
    for index in range(len(images)):
        truth, prediction = model.classes[actual[index]], model.classes[predicted[index]]
        probability = probabilities[index, predicted[index]]
        titles.append(f"{truth}\npredicted {prediction}, {probability:.2f}")
        if wrong[index]:
            print(f"{truth} predicted as {prediction}, {probability:.2f}")
    accuracy = float(np.mean(~wrong))
    print(f"{int(np.sum(~wrong))} of {len(images)} correct, accuracy {accuracy:.4f}")
    draw(images, titles, wrong, arguments.output)
    if arguments.json:
        metrics = {"accuracy": accuracy, "images": len(images), "wrong": int(wrong.sum())}
        arguments.json.write_text(json.dumps(metrics))


if __name__ == "__main__":
    main()
