"""Figures of one model: by condition, by signal strength and by curvature."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.robustness.conditions import UNCHANGED, Condition, Shot, conditions, simulate
from benchmarks.robustness.model import ServedModel
from data.simulation.presets import BASIC, Preset
from trainer.quality.reliability import expected_calibration_error

STRENGTHS = tuple(range(0, 21, 2))  # decibels
SAGITTAS = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 12)  # pixels

Map = Callable[[Callable[[Shot], np.ndarray], Iterable[Shot]], Iterable[np.ndarray]]
"""A map that keeps the order, over processes or not."""


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A model, and how its test images are made.

    Attributes:
      model: to be measured.
      images_a_class: how many images of each class a condition, or a point of a curve, has.
      seed: of the simulation.
      run: the map that simulates.
    """

    model: ServedModel
    images_a_class: int
    seed: int
    run: Map = map

    def under_conditions(self, preset: Preset) -> list[dict[str, Any]]:
        """Measure the test set of a preset under every condition; see `figures`."""
        shots = [
            Shot(name, number)
            for name in self.model.classes
            for number in range(self.images_a_class)
        ]
        labels = np.repeat(np.arange(len(self.model.classes)), self.images_a_class)
        measured, simulated_as, images = [], None, np.empty(0)
        for condition in conditions(self.model.height, self.model.width):
            # Conditions of rendering follow the one that they render.
            if condition.shot != simulated_as:
                simulated_as, images = condition.shot, self._images(shots, preset, condition.shot)
            shown = images if condition.rendering is None else condition.rendering(images)
            probabilities = self.model.probabilities(shown)
            found = figures(probabilities, labels, self.model.classes)
            measured.append({"condition": condition.name, **found})
        return measured

    def examples(self) -> dict[str, np.ndarray]:
        """One image by condition: the same signal, of preset basic, under each of them.

        Returns:
          Grey levels, float32 [height, width] from 0 to 1.
        """
        name = next(name for name in self.model.classes if name != "noise")
        pictures = {}
        for condition in conditions(self.model.height, self.model.width):
            images = self._images([Shot(name, 0)], BASIC, condition.shot)
            shown = images if condition.rendering is None else condition.rendering(images)
            pictures[condition.name] = shown[0]
        return pictures

    def by_strength(self) -> dict[str, list[float]]:
        """The share of each class that is recognised at each of `STRENGTHS`.

        Preset basic but for the strength. Noise has none: its share is the same at all of them.
        """
        shares: dict[str, list[float]] = {}
        for name in self.model.classes:
            strengths = STRENGTHS[:1] if name == "noise" else STRENGTHS
            found = [self._shares(name, _of_strength(BASIC, decibels)) for decibels in strengths]
            recalls = [share[name] for share in found]
            shares[name] = recalls * (len(STRENGTHS) // len(recalls))
        return shares

    def by_curvature(self) -> dict[str, Any]:
        """The share of curves taken for each class at each of `SAGITTAS`, and straight lines'.

        Preset basic but for the curvature.

        Returns:
          `curves`, shares by class; `straight`, what part of the straight lines is taken for
          such.
        """
        curves: dict[str, list[float]] = {name: [] for name in self.model.classes}
        for pixels in SAGITTAS:
            sagitta = pixels / self.model.width
            preset = dataclasses.replace(BASIC, sagitta=(sagitta, sagitta))
            for name, share in self._shares("narrowbanddrd", preset).items():
                curves[name].append(share)
        straight = self._shares("narrowband", BASIC)["narrowband"]
        return {"curves": curves, "straight": straight}

    def _shares(self, class_name: str, preset: Preset) -> dict[str, float]:
        """What part of the images of one class is taken for each class."""
        shots = [Shot(class_name, number) for number in range(self.images_a_class)]
        images = self._images(shots, preset, UNCHANGED.shot)
        predicted = self.model.probabilities(images).argmax(axis=1)
        counts = np.bincount(predicted, minlength=len(self.model.classes))
        return dict(zip(self.model.classes, (counts / len(shots)).tolist(), strict=True))

    def _images(self, shots: list[Shot], preset: Preset, condition: Condition) -> np.ndarray:
        """Grey levels, float32 [N, height, width] from 0 to 1."""
        make = partial(
            simulate,
            seed=self.seed,
            preset=preset,
            height=self.model.height,
            width=self.model.width,
            condition=condition,
        )
        return np.stack(list(self.run(make, shots))).astype(np.float32) / 255.0


def figures(
    probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Figures of one test set.

    Args:
      probabilities: float [N, classes].
      labels: int [N]; every class is among them.
      classes: their names.

    Returns:
      What JSON can hold: `images`, `accuracy`, `signal_accuracy` (of the images that are not of
      the class noise), `recall` by class, `lowest` (the class of the lowest recall), `taken_for`
      (what most of its mistakes are taken for, None without any), `expected_calibration_error`,
      `confusion_matrix` (rows actual, columns predicted).
    """
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    recall = counts.diagonal() / counts.sum(axis=1)
    signals = [column for column, name in enumerate(classes) if name != "noise"]
    lowest = int(recall.argmin())
    mistakes = counts[lowest].copy()
    mistakes[lowest] = 0
    return {
        "images": len(labels),
        "accuracy": float(counts.trace() / len(labels)),
        "signal_accuracy": float(counts.diagonal()[signals].sum() / counts[signals].sum()),
        "recall": dict(zip(classes, recall.tolist(), strict=True)),
        "lowest": classes[lowest],
        "taken_for": classes[int(mistakes.argmax())] if mistakes.any() else None,
        "expected_calibration_error": expected_calibration_error(probabilities, labels),
        "confusion_matrix": counts.tolist(),
    }


def _of_strength(preset: Preset, decibels: float) -> Preset:
    """That preset with every signal of one strength."""
    strengths = [field.name for field in dataclasses.fields(Preset) if "strength" in field.name]
    return dataclasses.replace(preset, **dict.fromkeys(strengths, (decibels, decibels)))
