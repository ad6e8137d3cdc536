#!/usr/bin/env python3
"""Spectrograms that somebody else made, shown to a model that was trained on simulated ones.

    python benchmarks/published_samples.py MODEL SAMPLES.npz [--output FILE.png] [--json FILE]

MODEL is a pushed model. SAMPLES.npz holds, by class name, uint8 spectrograms [N, height, width], of
which those are shown whose class the model knows. They are averaged over areas to the model's size,
which their sizes must be multiples of, and are otherwise as they are. Prints the accuracy and every
failure; draws all of them, failures first and framed.
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


def averaged(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Mean over areas: uint8 [N, H, W] to float32 [N, height, width], grey levels 0 to 1.

    Raises:
      ValueError: a side is no multiple of the one asked for.
    """
    count, rows, columns = images.shape
    if rows % height or columns % width:
        raise ValueError(
            f"Images of {rows} x {columns} cannot be averaged to {height} x {width}: "
            "their sides have to be multiples."
        )
    areas = images.reshape(count, height, rows // height, width, columns // width)
    return areas.mean(axis=(2, 4), dtype=np.float32) / 255


def draw(images: np.ndarray, titles: list[str], wrong: np.ndarray, file: Path) -> None:
    """Draw all spectrograms, float32 [N, H, W]; those that are wrong first, and framed."""
    order = np.argsort(~wrong, kind="stable")
    rows = -(-len(images) // _COLUMNS)
    figure = Figure((3.2 * _COLUMNS, 2.0 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for place, axis in enumerate(axes):
        axis.set_xticks([])
        axis.set_yticks([])
        if place >= len(order):
            axis.set_axis_off()
            continue
        index = order[place]
        axis.imshow(images[index], aspect="auto", cmap="gray")
        axis.set_title(titles[index], fontsize=8, color="#b3261e" if wrong[index] else "black")
        axis.set_xlabel("frequency", fontsize=7)
        axis.set_ylabel("time", fontsize=7)
        for spine in axis.spines.values():
            spine.set(color="#b3261e" if wrong[index] else "black", linewidth=1 + 2 * wrong[index])
    figure.savefig(file, dpi=80)


def main() -> None:
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
        known = {name: samples[name] for name in model.classes if name in samples}
    images = np.concatenate([averaged(of, model.height, model.width) for of in known.values()])
    actual = np.repeat(
        [model.classes.index(name) for name in known], [len(of) for of in known.values()]
    )
    probabilities = model.probabilities(images)
    predicted = probabilities.argmax(axis=1)
    wrong = predicted != actual
    titles = []
    for index in range(len(images)):
        truth, answer = model.classes[actual[index]], model.classes[predicted[index]]
        sure = probabilities[index, predicted[index]]
        titles.append(f"{truth}\ntaken for {answer}, {sure:.2f}")
        if wrong[index]:
            print(f"{truth} taken for {answer}, {sure:.2f}")
    accuracy = float(np.mean(~wrong))
    print(f"{int(np.sum(~wrong))} of {len(images)} right, accuracy {accuracy:.4f}")
    draw(images, titles, wrong, arguments.output)
    if arguments.json:
        figures = {"accuracy": accuracy, "images": len(images), "wrong": int(wrong.sum())}
        arguments.json.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
