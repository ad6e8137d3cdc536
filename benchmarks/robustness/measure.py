"""Metrics of one model by condition, by signal strength and by curvature."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.robustness.conditions import (
    UNCHANGED,
    Condition,
    Shot,
    list_conditions,
    simulate,
)
from benchmarks.robustness.model import ServedModel
from data.simulation.presets import BASIC, HARD, Preset
from trainer.quality.reliability import measure_reliability

STRENGTHS = tuple(range(0, 21, 2))  # decibels
SAGITTAS = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 12)  # pixels

Map = Callable[[Callable[[Shot], np.ndarray], Iterable[Shot]], Iterable[np.ndarray]]
"""A map that keeps the order, such as `map` or that of a pool of processes."""


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A model and the simulation of its test images.

    Attributes:
      model: the model to measure.
      images_per_class: images of each class for each condition and each point of a curve.
      seed: seed of the simulation.
      run: the map that runs the simulation.
      presets: presets basic and hard, or variants of them.
    """

    model: ServedModel
    images_per_class: int
    seed: int
    run: Map = map
    presets: tuple[Preset, Preset] = (BASIC, HARD)

    def measure_conditions(self, preset: Preset) -> list[dict[str, Any]]:
        """Return the metrics (`compute_metrics`) of a preset under every condition."""
        shots = [
            Shot(name, number)
            for name in self.model.classes
            for number in range(self.images_per_class)
        ]
        labels = np.repeat(np.arange(len(self.model.classes)), self.images_per_class)
        measured, simulated_as, images = [], None, np.empty(0)
        for condition in list_conditions(self.model.height, self.model.width):
            # Conditions that differ only in their rendering follow one another.
            if condition.shot != simulated_as:
                simulated_as = condition.shot
                images = self._simulate(shots, preset, condition.shot)
            rendered = images if condition.rendering is None else condition.rendering(images)
            probabilities = self.model.predict_probabilities(rendered)
            metrics = compute_metrics(probabilities, labels, self.model.classes)
            measured.append({"condition": condition.name, **metrics})
        return measured

    def render_conditions(self) -> dict[str, np.ndarray]:
        """Render one signal of preset basic under every condition.

        Returns:
          Grey levels, float32 [height, width] from 0 to 1, by name of the condition.
        """
        name = next(name for name in self.model.classes if name != "noise")
        rendered = {}
        for condition in list_conditions(self.model.height, self.model.width):
            images = self._simulate([Shot(name, 0)], self.presets[0], condition.shot)
            if condition.rendering is not None:
                images = condition.rendering(images)
            rendered[condition.name] = images[0]
        return rendered

    def measure_strength(self) -> dict[str, list[float]]:
        """Return the recall of each class at each of `STRENGTHS`.

        Except for the strength, the preset is basic. Noise has no strength, so its recall is the
        same everywhere.
        """
        recalls: dict[str, list[float]] = {}
        for name in self.model.classes:
            strengths = STRENGTHS[:1] if name == "noise" else STRENGTHS
            values = [
                self._predicted_fractions(name, _with_strength(self.presets[0], decibels))[name]
                for decibels in strengths
            ]
            recalls[name] = values * (len(STRENGTHS) // len(values))
        return recalls

    def measure_curvature(self) -> dict[str, Any]:
        """Return the predicted classes of curved lines at each of `SAGITTAS`.

        Except for the curvature, the preset is basic.

        Returns:
          `curves`, the fraction of the lines that is predicted as a class at each of `SAGITTAS`,
          by class; `straight`, the recall of straight lines.
        """
        curves: dict[str, list[float]] = {name: [] for name in self.model.classes}
        for pixels in SAGITTAS:
            sagitta = pixels / self.model.width
            preset = dataclasses.replace(self.presets[0], sagitta=(sagitta, sagitta))
            for name, fraction in self._predicted_fractions("narrowbanddrd", preset).items():
                curves[name].append(fraction)
        straight = self._predicted_fractions("narrowband", self.presets[0])["narrowband"]
        return {"curves": curves, "straight": straight}

    def _predicted_fractions(self, class_name: str, preset: Preset) -> dict[str, float]:
        """Return the fraction of one class's images that is predicted as each class."""
        shots = [Shot(class_name, number) for number in range(self.images_per_class)]
        images = self._simulate(shots, preset, UNCHANGED.shot)
        predicted = self.model.predict_probabilities(images).argmax(axis=1)
        counts = np.bincount(predicted, minlength=len(self.model.classes))
        return dict(zip(self.model.classes, (counts / len(shots)).tolist(), strict=True))

    def _simulate(self, shots: list[Shot], preset: Preset, condition: Condition) -> np.ndarray:
        """Return grey levels, float32 [N, height, width] from 0 to 1."""
        simulate_shot = partial(
            simulate,
            seed=self.seed,
            preset=preset,
            height=self.model.height,
            width=self.model.width,
            condition=condition,
        )
        return np.stack(list(self.run(simulate_shot, shots))).astype(np.float32) / 255.0


def compute_metrics(
    probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Return the metrics of one test set.

    Args:
      probabilities: float [N, classes].
      labels: int [N], with every class among them.
      classes: names of the classes.

    Returns:
      Values for JSON: `images`, `accuracy`, `signal_accuracy` (accuracy on all classes but noise),
      `recall` by class, `lowest` (the class with the lowest recall), `taken_for` (the most
      frequent wrong prediction for that class, None if there is none),
      `expected_calibration_error` and `confusion_matrix` (rows actual, columns predicted).
    """
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    recall = counts.diagonal() / counts.sum(axis=1)
    signals = [column for column, name in enumerate(classes) if name != "noise"]
    lowest = int(recall.argmin())
    errors = counts[lowest].copy()
    errors[lowest] = 0
    return {
        "images": len(labels),
        "accuracy": float(counts.trace() / len(labels)),
        "signal_accuracy": float(counts.diagonal()[signals].sum() / counts[signals].sum()),
        "recall": dict(zip(classes, recall.tolist(), strict=True)),
        "lowest": classes[lowest],
        "taken_for": classes[int(errors.argmax())] if errors.any() else None,
        "expected_calibration_error": measure_reliability(probabilities, labels)[
            "expected_calibration_error"
        ],
        "confusion_matrix": counts.tolist(),
    }


def _with_strength(preset: Preset, decibels: float) -> Preset:
    """Return the preset with one strength for every signal."""
    strengths = [field.name for field in dataclasses.fields(Preset) if "strength" in field.name]
    return dataclasses.replace(preset, **dict.fromkeys(strengths, (decibels, decibels)))
